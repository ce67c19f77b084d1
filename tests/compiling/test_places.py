"""The table of places where machine code may be kept: each tried by a process that finds itself there."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import processors
from tests.compiling.template_process import TemplateProcess

SOURCES = Path(processors.__file__).parent
BEFORE = """
import numba, numpy as np, tempfile
numba.njit(lambda array: str(array.sum()))(np.zeros(2))  # what numba imports late, it imports while it may
"""
SCRIPT = """
import json, os, sys, tempfile
import numba, numpy as np
numba.config.reload_config()  # this process has an environment of its own
from processors.machine_code.keeping import watch
from processors.machine_code.places import described_places, writing_place
from processors.rewards.success import _stepped
tempfile.tempdir = os.environ["TMPDIR"]  # and no other, should it take no files
uid = int(sys.argv[1])
os.setgroups([])
os.setgid(uid)
os.setuid(uid)  # from here on a process of that user, to whom Python itself need not be open
told = []
watch(lambda what, entry: told.append(what))
_stepped(np.zeros(1), np.ones((1, 1)), np.zeros((1, 1, 1)), np.zeros(1))
place = writing_place()
print(json.dumps({"told": told, "place": str(place) if place else None, "line": described_places()}))
"""
NOBODY = 54_321
"""A user without an entry that tells a name or a home."""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs to become another user")


class Found(NamedTuple):
    told: list[str]
    place: Path | None
    line: str


class Machine:
    """A copy of the sources, and users who start processes with it."""

    def __init__(self, folder: Path, template: TemplateProcess) -> None:
        self.folder = folder
        self._template = template
        self.sources = folder / "sources"
        self.sources.mkdir(parents=True)
        for name in ("processors", "schemas"):
            ignored = shutil.ignore_patterns("__pycache__", "shipped")
            shutil.copytree(SOURCES.parent / name, self.sources / name, ignore=ignored)
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.temporary.chmod(0o1777)
        folder.chmod(0o755)

    def start(self, uid: int = NOBODY, **environment: str) -> Found:
        given = {"PATH": os.defpath, "TMPDIR": str(self.temporary), **environment}
        found = self._template.printed(SCRIPT, str(uid), folder=self.sources, environment=given)
        return Found(found["told"], Path(found["place"]) if found["place"] else None, found["line"])

    def given_to(self, uid: int, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.chown(folder, uid, uid)
        return folder


@pytest.fixture(scope="module")
def template() -> Iterator[TemplateProcess]:
    with TemplateProcess(BEFORE, Path("/")) as process:
        yield process


@pytest.fixture
def machine(template: TemplateProcess) -> Iterator[Machine]:
    folder = Path("/var/tmp") / f"shelfwise-places-{os.getpid()}"  # above it all may look, unlike in pytest's own
    try:
        yield Machine(folder, template)
    finally:
        shutil.rmtree(folder)


def compiled_then_loaded(machine: Machine, place: Path, **environment: str) -> Found:
    first, second = machine.start(**environment), machine.start(**environment)
    assert (first.told, second.told) == (["compiling", "compiled"], ["loaded"])
    assert first.place == second.place == place
    assert str(place) in second.line
    return second


def test_beside_the_sources_where_they_are_the_users(machine: Machine) -> None:
    machine.given_to(NOBODY, machine.sources / "processors" / "__pycache__")
    compiled_then_loaded(machine, machine.sources / "processors" / "__pycache__" / "machine-code")


def test_in_the_users_home_where_the_sources_are_not(machine: Machine) -> None:
    home = machine.given_to(NOBODY, machine.folder / "home")
    compiled_then_loaded(machine, home / ".cache" / "shelfwise" / "machine-code", HOME=str(home))


def test_in_a_private_temporary_folder_of_a_user_without_home_and_entry(machine: Machine) -> None:
    compiled_then_loaded(machine, machine.temporary / f"shelfwise-{NOBODY}")


def test_in_a_private_temporary_folder_where_the_home_takes_no_files(machine: Machine) -> None:
    compiled_then_loaded(machine, machine.temporary / f"shelfwise-{NOBODY}", HOME="/")


def test_where_it_is_told_to(machine: Machine) -> None:
    given = machine.given_to(NOBODY, machine.folder / "given")
    compiled_then_loaded(machine, given, NUMBA_CACHE_DIR=str(given))


def test_elsewhere_where_it_is_told_to_is_not_writable_and_the_line_says_so(machine: Machine) -> None:
    (machine.folder / "given").mkdir()
    found = compiled_then_loaded(
        machine, machine.temporary / f"shelfwise-{NOBODY}", NUMBA_CACHE_DIR=str(machine.folder / "given")
    )
    assert f"NUMBA_CACHE_DIR takes no files: {machine.folder / 'given'}" in found.line


def test_what_somebody_else_has_finished_beside_the_sources_is_used(machine: Machine) -> None:
    assert machine.start(uid=0).told == ["compiling", "compiled"]
    assert machine.start().told == ["loaded"]


def test_code_that_was_copied_with_the_sources_is_used_whatever_the_path(machine: Machine) -> None:
    machine.start(uid=0)
    machine.sources = Path(shutil.copytree(machine.sources, machine.folder / "another" / "place"))
    assert machine.start().told == ["loaded"]


def test_nowhere_where_nothing_takes_files_and_the_line_says_so(machine: Machine) -> None:
    machine.temporary.chmod(0o755)
    found = [machine.start(HOME="/") for _ in range(2)]
    assert [(one.told, one.place) for one in found] == [(["compiling", "compiled"], None)] * 2
    assert found[0].line == "nowhere: no folder takes files, so that each start compiles"


@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_a_temporary_folder_to_which_others_may_write_is_not_read(machine: Machine, mode: int) -> None:
    machine.start()
    (machine.temporary / f"shelfwise-{NOBODY}").chmod(mode)
    found = machine.start()
    assert found.told == ["compiling", "compiled"]
    assert found.place is None


def test_a_temporary_folder_of_somebody_else_is_not_read(machine: Machine) -> None:
    machine.start()
    shutil.chown(machine.temporary / f"shelfwise-{NOBODY}", 0, 0)
    assert machine.start().told == ["compiling", "compiled"]


def test_a_file_that_was_cut_is_compiled_again(machine: Machine) -> None:
    machine.start()
    (kept,) = (machine.temporary / f"shelfwise-{NOBODY}").glob("*.code")
    kept.write_bytes(kept.read_bytes()[:-1])
    assert machine.start().told == ["compiling", "compiled"]
    assert machine.start().told == ["loaded"]
