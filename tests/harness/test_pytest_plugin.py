"""The fixtures work in somebody else's project."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
CONFTEST = 'pytest_plugins = ["streams.harness.pytest_plugin"]\n'
TEST = """
from kafka.admin import KafkaAdminClient

def test_there_is_a_broker(kafka_harness, kafka_bootstrap):
    assert kafka_harness.status() == {1: "running"}
    admin = KafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    assert len(admin.describe_cluster()["brokers"]) == 1
    admin.close()
"""


def test_a_project_names_the_plugin_and_has_a_broker(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_theirs.py").write_text(TEST)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--kafka-backend=embedded", str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "1 passed" in run.stdout
