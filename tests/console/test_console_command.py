"""`shelfwise console` as a process: it says where it is, ends when told to, and says in one line what is wrong."""

import json
import queue
import signal
import subprocess
import sys

import pytest

from streams.cli.main import run
from streams.console.console_process import ConsoleProcess
from streams.console.serving import address_of, bound_socket
from tests.console.conftest import DEADLINE_S, page_of


def test_it_prints_its_address_and_ends_with_a_signal(broker: str) -> None:
    words = ["-m", "streams.cli.main", "console", "--broker", broker, "--port", "0", "--json"]
    with subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = "".join(iter(process.stdout.readline, "}\n")) + "}"
        address = json.loads(said)["address"]
        assert "What is wrong" in page_of(address)
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 0


def test_beside_a_demo_it_tells_its_address_and_ends_with_it(broker: str) -> None:
    told: queue.Queue[str] = queue.Queue()
    with ConsoleProcess(broker, told.put):
        address = told.get(timeout=DEADLINE_S)
        assert "What is wrong" in page_of(address)
    with pytest.raises(OSError, match="refused"):
        page_of(address)


def test_a_port_that_is_taken_is_said_in_one_line(broker: str, capsys: pytest.CaptureFixture[str]) -> None:
    with bound_socket("127.0.0.1", 0) as taken:
        port = address_of(taken).rstrip("/").rpartition(":")[2]
        assert run(["console", "--broker", broker, "--port", port]) == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert "give another --port" in said
