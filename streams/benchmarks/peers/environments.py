"""Virtual environments for peers, which are not dependencies of ours."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from streams.harness.artifacts import cache_folder

QUIX = ("quixstreams==3.28.0",)
BYTEWAX = ("bytewax[kafka]==0.21.1", "orjson")
SURPRISE = ("scikit-surprise==1.1.5", "numpy<2", "pandas<3")
VW_ESTIMATORS = ("vw-estimators==0.2.2",)


def python_with(requirements: Sequence[str]) -> Path:
    """The Python of an environment with these packages, created at first use in the user's cache.

    Raises `OSError` or `subprocess.CalledProcessError` if they cannot be installed here.
    """
    folder = cache_folder() / requirements[0].replace("==", "-")
    python = folder / "bin" / "python"
    if not (folder / "installed").exists():
        _run(sys.executable, "-m", "venv", "--clear", str(folder))
        _run(str(python), "-m", "pip", "install", "--quiet", *requirements)
        (folder / "installed").touch()
    return python


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  our own commands
