"""What users hand over by mistake: files that are none, numbers that cannot be; and the commands that take them."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import typer

from streams.cli.main import application

TABLE = "user,item,hours\nu1,c1,0.5\nJosé,c2,0.25\n"
CONTENTS = {
    "empty": b"",
    "binary": bytes(range(256)) * 16,
    "latin-1": TABLE.encode("latin-1"),
    "utf-16": TABLE.encode("utf-16"),
    "utf-16 without a mark": TABLE.encode("utf-16-le"),
    "nested too deeply": b"[" * 200_000,
    "a number too long": b"seed = " + b"9" * 5_000,
    "a quote that never ends": b'user,item,hours\n"u1,c1,3\nu2,c2,3\n',
    "a cell too large": b"user,item,hours\n" + b"x" * 200_000 + b",c1,3\n",
    "one word": b"word",
    "gzip by its name only.gz": TABLE.encode(),
    "gzip cut off.gz": gzip.compress(TABLE.encode() * 100)[:-9],
    "gzip damaged.gz": gzip.compress(TABLE.encode() * 100)[:20] + b"\xff" * 40,
}
PLACES = {
    "a device": Path("/dev/zero"),
    "a folder": Path("/proc/self"),
    "what the kernel will not read": Path("/proc/self/mem"),
}
INT_WORDS = ("x", "", "1.5", "-1", "nan", "inf", "1e3", "9" * 30, "9" * 5_000, "0x10")
FLOAT_WORDS = ("x", "", "-1", "nan", "inf", "-inf", "1e400", "9" * 30)
WRITTEN = {"out", "report", "snapshot", "save_model", "plot", "to"}
"""Files that a command writes."""
FOLDERS = {"data", "logs", "state", "directory"}
WRITTEN_FOLDERS = {("compile", "out")}
READ_AS_TEXT = {("evaluate obd", "target"), ("audit", "against")}
"""Files that may also be a word."""
ACCEPTED = {("config", "empty")}
"""An empty file of settings says nothing, and that is fine."""
FILLED = {
    "user": "u1",
    "group": "0",
    "label": "Sleep",
    "topic": "impressions",
    "target": "uniform",
    "node": "1",
    "name": "test",
}
EXPERIMENT = """
name = "test"
layer = "ranking"
metric = "stream-rate"
variants = [{ name = "a", share = 0.1 }, { name = "b", share = 0.1 }]
"""
OBD = "timestamp,item_id,position,click,propensity_score\n2019-11-24 00:00:00+00:00,0,1,1,0.5\n"
GOOD = {
    "replay obd": OBD,
    "evaluate obd": OBD,
    "experiments apply": EXPERIMENT,
    "replay events": '{"type":"catalogue-card.v1","card_id":"c1","title":"c1","shelves":["all"]}\n'
    '{"type":"stream-end.v1","event_id":"s1","user_id":"u1","card_id":"c1","started_ms":0,"event_ms":5,"played_ms":5}\n',
}
"""A file that a command takes, where it is no table of durations."""


class Parameter(NamedTuple):
    """One thing that a command takes."""

    command: str
    name: str
    given: str  # how it is given: an option's name, or nothing for an argument
    kind: str  # file, folder, written, int, float, other

    def words(self, value: str, broker: str, folder: Path) -> list[str]:
        """The command's line with this value, and with good ones for all else that it needs."""
        good = folder / "good"
        good.write_text(GOOD.get(self.command, "user,item,hours\n" + "u1,c1,0.5\n" * 20))
        words = [*self.command.split()]
        for other in parameters_of(self.command):
            if other.name == self.name:
                filled = value
            elif not other.given or other.name in {"log", "target"}:
                filled = FILLED.get(other.name, str(folder / "new" if other.kind == "folder" else good))
            elif other.name == "broker":
                filled = broker
            else:
                continue
            words.append(f"{other.given}={filled}" if other.given else filled)
        return words


def commands(group: Any = None, before: str = "") -> Iterator[tuple[str, Any]]:
    """Every command of the program, as it is typed."""
    group = group or typer.main.get_command(application())
    for name, command in group.commands.items():
        typed = f"{before} {name}".strip()
        if hasattr(command, "commands"):
            yield from commands(command, typed)
        else:
            yield typed, command


COMMANDS = dict(commands())


def parameters_of(command: str) -> list[Parameter]:
    """What a command takes."""
    found = []
    for parameter in COMMANDS[command].params:
        is_option = any(name.startswith("-") for name in parameter.opts)
        given = max(parameter.opts, key=len) if is_option else ""
        found.append(Parameter(command, parameter.name, given, _kind(command, parameter)))
    return found


def _kind(command: str, parameter: Any) -> str:
    """Of a parameter without a type descriptor nothing is known: that is typer's own business (`--help`)."""
    typed = str(parameter.type_descriptor.annotation)
    if parameter.name in FOLDERS or (command, parameter.name) in WRITTEN_FOLDERS:
        return "folder"
    if parameter.name in WRITTEN:
        return "written"
    if "Path" in typed or (command, parameter.name) in READ_AS_TEXT:
        return "file"
    return next((kind for kind in ("int", "float") if kind in typed), "other")


def everything_of(kind: str) -> list[Parameter]:
    """Every parameter of this kind, of every command."""
    return [found for command in COMMANDS for found in parameters_of(command) if found.kind == kind]
