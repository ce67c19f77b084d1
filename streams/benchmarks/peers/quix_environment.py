"""A virtual environment for one peer alone: Quix is no dependency of ours."""

import subprocess
import sys
from pathlib import Path

from streams.harness.artifacts import cache_folder

QUIX = "quixstreams==3.28.0"


def quix_python() -> Path:
    """The Python that has Quix; made at first use in the user's cache.

    Raises `OSError` or `subprocess.CalledProcessError` where it cannot be installed here.
    """
    folder = cache_folder() / QUIX.replace("==", "-")
    python = folder / "bin" / "python"
    if not (folder / "installed").exists():
        _run(sys.executable, "-m", "venv", "--clear", str(folder))
        _run(str(python), "-m", "pip", "install", "--quiet", QUIX)
        (folder / "installed").touch()
    return python


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  our own commands
