"""Apache Kafka from Maven artifacts: what is peculiar to it beside the contract of every harness."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from streams.harness.artifacts import CACHE_SETTING, kafka_jars, pinned_digests
from streams.harness.interface import HarnessError

pytestmark = pytest.mark.kafka
ROOT = Path(__file__).parent.parent.parent
OWNER = """
from streams.harness.jars import JarsKafka
kafka = JarsKafka().start()
print(kafka._nodes[1]._process.pid, kafka._folder, flush=True)
input()
"""


def test_a_killed_owner_leaves_neither_a_process_nor_a_folder_behind() -> None:
    owner = subprocess.Popen(
        [
            sys.executable,
            "-c",
            OWNER,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert owner.stdout is not None
    words = owner.stdout.readline().split()
    node, folder = int(words[0]), Path(words[1])
    assert folder.is_dir()
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    deadline_s = time.monotonic() + 120
    while folder.exists() or is_running(node):
        assert time.monotonic() < deadline_s, "the watchdog did not clean up"
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0]


def test_a_cache_that_holds_something_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version, digests = pinned_digests()
    folder = tmp_path / f"kafka-{version}"
    folder.mkdir()
    for name in digests:
        (folder / name).write_bytes(b"not what was pinned")
    monkeypatch.setenv(CACHE_SETTING, str(tmp_path))
    with pytest.raises(HarnessError, match="remove it and start again"):
        kafka_jars()


def test_without_java_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HarnessError, match="install Java 17"):
        kafka_jars()
