"""Records the machines of shipped machine code, so that others can report why they compile."""

from pathlib import Path

import msgspec
from msgspec import Struct

from processors.machine_code.machine import generic_machine, made_with
from processors.machine_code.places import SHIPPED


class MadeFor(Struct, frozen=True, kw_only=True):
    """Description of shipped machine code: machine and compilers."""

    machine: str
    made_with: str


def sign(folder: Path) -> None:
    """Record the target of this process in a folder, which may have code for several."""
    made_for = MadeFor(machine=generic_machine(), made_with=made_with())
    name = f"made-for-{made_with().split()[1]}-{generic_machine().split('-', 1)[0]}.json"
    (folder / name).write_bytes(msgspec.json.encode(made_for))


def why_not_shipped(folder: Path = SHIPPED) -> str | None:
    """Why shipped machine code is not usable here; None if none was shipped."""
    found = [msgspec.json.decode(path.read_bytes(), type=MadeFor) for path in sorted(folder.glob("made-for-*.json"))]
    if not found:
        return None
    here = MadeFor(machine=generic_machine(), made_with=made_with())
    if here in found:
        return "the sources have changed since machine code was made for this machine"
    told = "; ".join(f"{one.machine}, {one.made_with}" for one in found)
    return f"machine code was shipped for {told}; this is {here.machine}, {here.made_with}"
