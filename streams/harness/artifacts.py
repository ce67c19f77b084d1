"""Apache Kafka's jars: fetched once by Maven, checked against pinned digests at every use."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from streams.harness.interface import HarnessError

CACHE_SETTING = "SHELFWISE_KAFKA_JARS"
_FOLDER = Path(__file__).parent


def pinned_digests() -> tuple[str, dict[str, str]]:
    """Kafka's version and the SHA-256 of each of its jars by file name, as shipped with this package.

    >>> version, digests = pinned_digests()
    >>> f"kafka_2.13-{version}.jar" in digests
    True
    """
    pinned = json.loads((_FOLDER / "artifacts.json").read_text())
    return pinned["kafka_version"], pinned["sha256"]


def cache_folder() -> Path:
    """Where the jars are kept: the folder that the setting names, else the user's cache."""
    if named := os.environ.get(CACHE_SETTING):
        return Path(named)
    user_cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(user_cache) / "shelfwise"


def needed_program(name: str) -> str:
    """Find a program that the harness runs.

    Raises HarnessError when it is not installed.
    """
    if path := shutil.which(name):
        return path
    raise HarnessError(f"'{name}' is not on the PATH: install Java 17 or later and Maven, or use the embedded broker")


def wrong_jars(folder: Path) -> list[str]:
    """Names of pinned jars that are missing from a folder, differ, or that nobody pinned."""
    _, digests = pinned_digests()
    present = {path.name for path in folder.glob("*.jar")}
    unknown = present - digests.keys()
    differing = {
        name
        for name, digest in digests.items()
        if name not in present or hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest
    }
    return sorted(unknown | differing)


def kafka_jars() -> Path:
    """Give the folder of Kafka's jars, every one of them checked; fetch them first when the cache has none.

    The fetch goes to a folder beside the final one and is renamed at the end, so two that start at once, or
    one that dies halfway, leave no half-filled cache. Raises HarnessError when Java or Maven is missing, the
    fetch fails, or a digest differs.
    """
    version, _ = pinned_digests()
    needed_program("java")
    folder = cache_folder() / f"kafka-{version}"
    if not folder.is_dir():
        _fetch(folder)
    if wrong := wrong_jars(folder):
        raise HarnessError(f"{folder} does not hold what was pinned ({', '.join(wrong)}): remove it and start again")
    return folder


def _fetch(folder: Path) -> None:
    maven = needed_program("mvn")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HarnessError(f"cannot make {folder.parent}: name another folder in {CACHE_SETTING}") from error
    fetched = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
    try:
        run = subprocess.run(  # noqa: S603  a fixed command
            [
                maven,
                "--batch-mode",
                "--quiet",
                f"--file={_FOLDER / 'pom.xml'}",
                "dependency:copy-dependencies",
                f"-DoutputDirectory={fetched}",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if run.returncode != 0:
            raise HarnessError(f"Maven could not fetch Apache Kafka:\n{run.stdout[-2000:]}")
        if wrong := wrong_jars(fetched):
            raise HarnessError(f"Maven fetched other files than were pinned: {', '.join(wrong)}")
        fetched.chmod(0o755)
        try:
            fetched.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was faster: its copy is checked as ours is
                raise
    finally:
        shutil.rmtree(fetched, ignore_errors=True)
