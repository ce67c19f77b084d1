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
    """The folder of the jars: the configured one, else the user's cache."""
    if named := os.environ.get(CACHE_SETTING):
        return Path(named)
    user_cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(user_cache) / "shelfwise"


def needed_program(name: str) -> str:
    """Find a required program.

    Raises HarnessError if it is not installed.
    """
    if path := shutil.which(name):
        return path
    raise HarnessError(f"'{name}' is not on the PATH: install Java 17 or later and Maven, or use the embedded broker")


def wrong_jars(folder: Path) -> list[str]:
    """Names of jars that are missing, differ from their digests, or are not pinned."""
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
    """The folder of Kafka's jars, all verified; they are fetched first if the cache has none.

    Jars are fetched to a temporary folder that is renamed at the end, so that concurrent or interrupted fetches
    leave no partial cache. Raises HarnessError if Java or Maven is missing, the fetch fails, or a digest differs.
    """
    version, _ = pinned_digests()
    needed_program("java")
    folder = cache_folder() / f"kafka-{version}"
    if not folder.is_dir():
        _fetch(folder)
    if wrong := wrong_jars(folder):
        raise HarnessError(
            f"{folder} does not match the pinned digests ({', '.join(wrong)}): remove it and start again"
        )
    return folder


def _fetch(folder: Path) -> None:
    maven = needed_program("mvn")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HarnessError(f"cannot create {folder.parent}: name another folder in {CACHE_SETTING}") from error
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
            raise HarnessError(f"Maven fetched files that do not match the pinned digests: {', '.join(wrong)}")
        fetched.chmod(0o755)
        try:
            fetched.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was faster: its copy is verified, too
                raise
    finally:
        shutil.rmtree(fetched, ignore_errors=True)
