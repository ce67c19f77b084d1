"""The group's state machine under every order of events, with time as an argument."""

import asyncio
import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.broker.group import Group, GroupState
from streams.broker.group_member import GroupRecord, Joined, JoinRequest
from streams.broker.protocol_errors import ErrorCode, KafkaFailure

SESSION_MS, REBALANCE_MS = 100, 300
NAMES = st.integers(0, 3)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["join", "sync", "heartbeat", "leave"]), NAMES),
        st.tuples(st.just("tick"), st.integers(1, 400)),
        st.tuples(st.just("restart"), st.just(0)),
    ),
    max_size=60,
)


class Story:
    """Four clients, one of them static, and the broker's clock."""

    def __init__(self) -> None:
        self.ids = itertools.count()
        self.now_ms = 0.0
        self.saved: GroupRecord | None = None
        self.group = self.new_group()
        self.member_ids = ["", "", "", ""]
        self.generations = [-1] * 4
        self.waiting: dict[int, asyncio.Future[Joined]] = {}

    def new_group(self) -> Group:
        def save(group: Group) -> None:
            self.saved = group.record()

        return Group(save=save, new_member_id=lambda name: f"{name}-{next(self.ids)}")

    def take_answers(self) -> None:
        for client, future in list(self.waiting.items()):
            if not future.done():
                continue
            del self.waiting[client]
            if future.cancelled() or future.exception() is not None:
                self.member_ids[client] = ""
            else:
                joined = future.result()
                self.member_ids[client], self.generations[client] = joined.member_id, joined.generation

    def join(self, client: int) -> None:
        if client in self.waiting:
            return
        request = JoinRequest(
            member_id=self.member_ids[client],
            instance_id="static" if client == 3 else None,
            client_id=f"c{client}",
            client_host="h",
            session_timeout_ms=SESSION_MS,
            rebalance_timeout_ms=REBALANCE_MS,
            protocol_type="consumer",
            protocols=(("range", b"%d" % client),),
            must_know_id=False,
        )
        self.waiting[client] = self.group.join(request, self.now_ms)

    def sync(self, client: int) -> None:
        assignments = {member_id: member_id.encode() for member_id in self.group.members}
        self.group.sync(self.member_ids[client], self.generations[client], assignments, self.now_ms)

    def restart(self) -> None:
        for future in self.waiting.values():
            future.cancel()
        self.take_answers()
        self.group = self.new_group()
        if self.saved is not None:
            self.group.restore(self.saved, self.now_ms)

    def step(self, kind: str, number: int) -> None:
        if kind == "tick":
            self.now_ms += number
            self.group.tick(self.now_ms)
        elif kind == "restart":
            self.restart()
        elif kind == "join":
            self.join(number)
        elif kind == "sync":
            self.sync(number)
        elif kind == "heartbeat":
            self.group.heartbeat(self.member_ids[number], self.generations[number], self.now_ms)
        else:
            self.group.leave(self.member_ids[number], self.now_ms)

    def check(self) -> None:
        group = self.group
        waiting = [member for member in group.members.values() if member.joining and not member.joining.done()]
        pending = [future for future in self.waiting.values() if not future.done()]
        assert len(waiting) == len(pending), "who waits in JoinGroup is a member: never evicted"
        if group.state in (GroupState.COMPLETING, GroupState.STABLE):
            assert not pending
            assert group.protocol == "range"
            assert group.members
        if group.state is GroupState.EMPTY:
            assert not group.members
        for member in group.members.values():
            if member.syncing is not None and not member.syncing.done():
                assert group.state is GroupState.COMPLETING


@settings(max_examples=300, deadline=None, derandomize=True)
@given(STEPS)
def test_no_order_of_events_breaks_a_group(steps: list[tuple[str, int]]) -> None:
    async def story() -> None:
        tale = Story()
        generation = 0
        for kind, number in steps:
            try:
                tale.step(kind, number)
            except KafkaFailure as failure:
                assert failure.code is not ErrorCode.UNKNOWN_SERVER_ERROR  # noqa: PT017  any answer will do
                if failure.code in (ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.FENCED_INSTANCE_ID):
                    tale.member_ids[number] = ""
            tale.take_answers()
            tale.check()
            assert tale.group.generation >= generation
            generation = tale.group.generation
        for _ in range(8):  # left alone, everybody is answered
            tale.now_ms += REBALANCE_MS
            tale.group.tick(tale.now_ms)
            tale.take_answers()
        assert not tale.waiting

    asyncio.run(story())


def test_a_rebalance_that_a_kill_has_cut_short_is_begun_anew() -> None:
    async def story() -> None:
        tale = Story()
        tale.join(0)
        tale.take_answers()
        assert tale.group.state is GroupState.COMPLETING
        tale.restart()
        assert tale.group.state is GroupState.PREPARING
        assert tale.group.generation == 1
        tale.join(0)
        tale.take_answers()
        assert tale.generations[0] == 2, "the generation that was told is not given out twice"
        tale.sync(0)
        assert tale.group.state is GroupState.STABLE
        tale.restart()
        tale.group.heartbeat(tale.member_ids[0], 2, tale.now_ms)
        assert tale.group.state is GroupState.STABLE

    asyncio.run(story())
