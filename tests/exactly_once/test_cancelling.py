"""A task that missed its cancellation is cancelled again."""

import asyncio

from streams.exactly_once.cancelling import ended


def test_a_cancellation_that_wait_for_swallows_is_not_the_last() -> None:
    async def history() -> asyncio.Task[None]:
        work: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def live() -> None:
            await asyncio.wait_for(work, 120)
            await asyncio.Event().wait()

        task = asyncio.create_task(live())
        await asyncio.sleep(0)
        work.set_result(None)  # the work ends and the task is cancelled in the same moment
        await asyncio.wait_for(ended(task), 120)
        return task

    assert asyncio.run(history()).cancelled()


def test_a_task_that_does_not_mind_ends_in_the_end() -> None:
    async def history() -> asyncio.Task[int]:
        async def stubborn() -> int:
            for refusals in range(3):
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    if refusals == 2:
                        return refusals
            raise AssertionError

        task = asyncio.create_task(stubborn())
        await asyncio.sleep(0)
        await ended(task)
        return task

    assert asyncio.run(history()).result() == 2
