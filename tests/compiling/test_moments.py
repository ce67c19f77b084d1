"""What a worker waits for before it opens partitions, before it restores state, and not at all."""

import asyncio

from processors.warm_up.stages import COMPACTION, Moment
from streams.compiling.compile_stages import ALL, stages_of
from streams.compiling.machine_code import STAGE_OF_READINESS, MachineCode
from streams.readiness import Readiness


def test_each_moment_is_waited_for_on_its_own() -> None:
    async def history() -> list[set[str]]:
        machine_code, loaded = MachineCode(["listeners"], ["listeners"], Readiness(STAGE_OF_READINESS)), []
        assert not machine_code.is_loaded(COMPACTION)
        machine_code.start()
        for wait in (
            machine_code.ready_for("listeners"),
            machine_code.restorable("listeners"),
            machine_code.complete(),
        ):
            await wait
            loaded.append({stage.name for stage in stages_of(["listeners"]) if machine_code.is_loaded(stage.name)})
        await machine_code.stop()
        return loaded

    opening, restoring, complete = asyncio.run(history())
    of = {moment: {one.name for one in ALL if "listeners" in one.tasks and one.moment is moment} for moment in Moment}
    assert of[Moment.OPENING] <= opening
    assert of[Moment.OPENING] | of[Moment.RESTORING] <= restoring
    assert complete == set().union(*of.values())
    assert of[Moment.LATER] == {COMPACTION}


def test_stages_that_a_listener_without_state_does_not_need_come_last_of_its_own() -> None:
    code = MachineCode(["listeners", "learner"], ["listeners"], Readiness(STAGE_OF_READINESS), loads=False)
    order = [stage.moment for stage in code.stages if "listeners" in stage.tasks]
    assert order == sorted(order, key=lambda moment: moment is not Moment.OPENING)
    assert [stage.name for stage in code.stages][-1] == "learner"
