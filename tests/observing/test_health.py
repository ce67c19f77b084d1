"""What a worker answers over HTTP, while it gets ready, when it is, and when its main loop hangs."""

import asyncio
import http.client
import socket
import threading

import pytest

from streams.configuration_error import ConfigurationError
from streams.harness.free_ports import free_ports
from streams.observing.getting_ready import GettingReady
from streams.observing.health_server import NOTHING_HERE, HealthServer
from streams.observing.pulse import LIVE_WITHIN_S, Pulse
from streams.observing.reporting import registry_of, reporting_at, unready


def ask(port: int, path: str, method: str = "GET") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_a_worker_tells_which_stages_are_missing_until_it_is_ready() -> None:
    readiness = unready()
    observer = GettingReady(readiness)
    with HealthServer("127.0.0.1", 0, registry_of(readiness)[0], Pulse(), readiness) as server:
        readiness.note("machine code", done=12, total=54, left_s=31.0)
        status, text = ask(server.port, "/readyz")
        assert (status, text.splitlines()) == (
            503,
            [
                "machine code: 12 of 54, about 31 s left",
                "group: not joined yet",
                "state: waits for the group",
                "input: waits for the group",
            ],
        )
        readiness.finish("machine code")
        observer.joined({("cards", 0), ("cards", 1)})
        for partition in (0, 1):
            observer.assigned("cards", partition)
        observer.restored("cards", 0, rows=1, bytes_read=1, seconds=0.1)
        observer.caught_up("cards", 0)
        observer.restored("cards", 1, rows=1, bytes_read=1, seconds=0.1)
        observer.lagging("cards", 1, "outcomes", records=1_234, seconds=9.0)
        assert ask(server.port, "/readyz") == (503, "input: 1 of 2, 1,234 records to read\n")
        observer.caught_up("cards", 1)
        assert ask(server.port, "/readyz") == (200, "ready\n")
        observer.aborted("cards", 1, reason="a broker went away")
        assert ask(server.port, "/readyz") == (503, "state: 1 of 2\ninput: 1 of 2\n")
        observer.revoked("cards", 1)
        assert ask(server.port, "/readyz") == (200, "ready\n"), "another worker has it now"


def test_a_member_without_partitions_is_ready_to_take_over() -> None:
    readiness = unready()
    readiness.finish("machine code")
    GettingReady(readiness).joined(())
    assert readiness.is_ready


def test_a_main_loop_that_hangs_is_told_and_that_it_takes_up_a_state_is_life() -> None:
    now_s = [0.0]
    pulse = Pulse(lambda: now_s[0])
    readiness = unready()
    with HealthServer("127.0.0.1", 0, registry_of(readiness)[0], pulse, readiness) as server:
        assert ask(server.port, "/livez") == (200, "alive\n")
        now_s[0] = LIVE_WITHIN_S + 11
        assert ask(server.port, "/livez") == (503, "the main loop has not turned for 41 s\n")
        pulse.taking_up("listeners", 0, rows=5, rows_all=10)
        assert ask(server.port, "/livez") == (200, "alive\n")


@pytest.mark.parametrize("path", ["/", "/healthz", "/metrics/", "/livez/more", "/%00"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_any_other_path_is_not_there_and_says_what_is(path: str, method: str) -> None:
    with HealthServer("127.0.0.1", 0, registry_of(unready())[0], Pulse(), unready()) as server:
        assert ask(server.port, path, method) == (404, NOTHING_HERE)


def test_it_answers_while_the_main_loop_stands_still() -> None:
    (port,) = free_ports(1)
    answers: list[tuple[int, str]] = []

    async def history() -> None:
        async with reporting_at("127.0.0.1", port):
            asking = threading.Thread(target=lambda: answers.extend([ask(port, "/livez"), ask(port, "/metrics")]))
            asking.start()
            asking.join()  # on the loop: nothing else can run on it until both are answered

    asyncio.run(history())
    assert answers[0] == (200, "alive\n")
    status, text = answers[1]
    assert status == 200
    assert 'shelfwise_stage_finished{stage="machine code"} 0.0' in text
    assert "process_resident_memory_bytes" in text
    assert "python_gc_collections_total" in text


def test_a_port_that_is_taken_is_told_in_one_line() -> None:
    async def history(port: int) -> None:
        async with reporting_at("127.0.0.1", port):
            raise AssertionError("unreachable")

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ConfigurationError, match="metrics and health cannot be served at"):
            asyncio.run(history(taken.getsockname()[1]))
