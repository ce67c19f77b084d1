"""Reference of the settings, from the types that hold them."""

import inspect
import re
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, get_args, get_type_hints

import msgspec
from msgspec.inspect import is_struct_type

from streams.documentation.markdown_tables import code, page, prose, table
from streams.profiles import PROFILES
from streams.settings import PREFIX, Settings

ABOUT = f"""\
A setting is given by a flag, by the environment, or in a TOML file that `--config` names; the earlier of these wins,
and a `profile` comes last. `group` is `{PREFIX}GROUP` in the environment; `epsilon` of the section `ranking` is
`{PREFIX}RANKING__EPSILON`, and `epsilon` below `[ranking]` in the file. Lists are written with commas in the
environment. `shelfwise config show` prints what is in force. An unknown name is refused, with the nearest known one.
Times end in `_ms` and are milliseconds."""
SURFACES = "surfaces"


def settings_page() -> str:
    """The page of all settings."""
    sections = [_section(name, kind) for name, kind in _sections()]
    return page("Settings", ABOUT, ["## Top level", _top(), *sections, _profiles()])


def _sections() -> Iterator[tuple[str, type[Any]]]:
    for name, field in Settings.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and (is_struct_type(kind) or is_dataclass(kind)):
            yield name, kind


def _top() -> str:
    inside = {name for name, _ in _sections()}
    rows = [
        [code(name), _about_field(field), _kind(field.annotation), _shown(field.default)]
        for name, field in Settings.model_fields.items()
        if name not in inside
    ]
    return table(["setting", "meaning", "type", "default"], rows)


def _about_field(field: Any) -> str:
    bounds = [_bound(one) for one in field.metadata]
    return "; ".join(text for text in (field.description or "", *bounds) if text)


def _bound(one: Any) -> str:
    words = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below", "min_length": ""}
    found = [(words[name], getattr(one, name)) for name in words if hasattr(one, name)]
    return ", ".join(f"{word} {value}" for word, value in found if word)


def _section(name: str, kind: type[Any]) -> str:
    comments = _comments(kind)
    hints = get_type_hints(kind)
    rows = [[code(one), _kind(hints[one]), _shown(default), comments.get(one, "")] for one, default in _defaults(kind)]
    head = ["setting", "type", "default", "meaning"] if comments else ["setting", "type", "default"]
    parts = [f"## [{name}]", prose(kind.__doc__), table(head, [row[: len(head)] for row in rows])]
    for field, hint in hints.items():
        heading = f"{name}.{field}.NAME" if field == SURFACES else f"{name}.{field}"
        parts += [part for inner in get_args(hint) if is_struct_type(inner) for part in _inside(heading, inner)]
    return "\n\n".join(parts)


def _inside(heading: str, kind: type[Any]) -> list[str]:
    """A section inside another one."""
    hints = get_type_hints(kind)
    rows = [[code(name), _kind(hints[name]), _shown(default)] for name, default in _defaults(kind)]
    return [f"### [{heading}]", prose(kind.__doc__), table(["setting", "type", "default"], rows)]


def _defaults(kind: type[Any]) -> Iterator[tuple[str, Any]]:
    if is_struct_type(kind):
        for field in msgspec.structs.fields(kind):
            factory = field.default_factory
            yield field.name, field.default if factory is msgspec.NODEFAULT else factory()
    else:
        for one in fields(kind):
            yield one.name, "" if one.default is MISSING else one.default


def _comments(kind: type[Any]) -> dict[str, str]:
    """The comments beside the fields of a dataclass: what its docstring would say too far away."""
    return dict(re.findall(r"^    (\w+): [^#\n]*  # (.+)$", inspect.getsource(kind), re.MULTILINE))


def _kind(annotation: Any) -> str:
    """A type as people say it.

    >>> _kind(int), _kind(str | None), _kind(tuple[str, ...])
    ('integer', 'text', 'list')
    """
    names = {int: "integer", float: "number", str: "text", bool: "true or false"}
    if annotation in names:
        return names[annotation]
    inner = [one for one in get_args(annotation) if one is not type(None)]
    text = str(annotation)
    if "Literal[" in text and "tuple" not in text:
        return "one of " + ", ".join(code(one) for one in re.findall(r"'([^']+)'", text))
    if text.startswith("tuple"):
        return "list"
    if text.startswith("dict"):
        return "table"
    return _kind(inner[0]) if len(inner) == 1 else "text"


def _shown(default: Any) -> str:
    if default is msgspec.NODEFAULT:
        return "must be set"
    if default is None:
        return "none"
    if isinstance(default, bool):
        return code(str(default).lower())
    if isinstance(default, tuple):
        return code(", ".join(map(str, default)))
    if isinstance(default, dict):
        return "" if not default else code(", ".join(f"{name} = {value}" for name, value in default.items()))
    return code(f"{default:,}".replace(",", "_") if isinstance(default, int) else default)


def _profiles() -> str:
    rows = [
        [code(profile), code(".".join(parts)), code(value)]
        for profile, values in PROFILES.items()
        for parts, value in _flat(values)
    ]
    return "## Profiles\n\n" + table(["profile", "setting", "default of the profile"], rows)


def _flat(values: Any, before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, (*before, name))
        else:
            yield (*before, name), value
