"""Virtual environments for peers, one each: none of them is a dependency of ours."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from streams.harness.artifacts import cache_folder

QUIX = ("quixstreams==3.28.0",)
SURPRISE = ("scikit-surprise==1.1.5", "numpy<2", "pandas<3")
VW_ESTIMATORS = ("vw-estimators==0.2.2",)


def python_with(requirements: Sequence[str]) -> Path:
    """The Python that has these packages; made at first use in the user's cache, named after the first.

    Raises `OSError` or `subprocess.CalledProcessError` where they cannot be installed here.
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
