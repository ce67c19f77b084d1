"""Writes a definition of an experiment as people write it, in TOML, to be changed and applied again."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, fields

from schemas.experiments import ExperimentDefinition
from streams.files.experiment_file import GIVEN_LATER

_APART = (*GIVEN_LATER, "variants", "guardrails", "begins_ms", "ends_ms")


def text_of_definition(definition: ExperimentDefinition) -> str:
    """The definition without what `experiments apply` gives it; `definition_of` reads the same from it.

    >>> from tests.builders import experiment
    >>> print(text_of_definition(experiment("e", shares={"a": 0.1, "b": 0.2})))
    name = "e"
    layer = "ranking"
    metric = "stream-rate"
    <BLANKLINE>
    [[variants]]
    name = "a"
    share = 0.1
    <BLANKLINE>
    [[variants]]
    name = "b"
    share = 0.2
    <BLANKLINE>
    """
    return "\n".join([*_head(definition), *_variants(definition), ""])


def _head(definition: ExperimentDefinition) -> Iterator[str]:
    for name, value in _chosen(definition):
        if name not in _APART:
            yield f"{name} = {_value(value)}"
    for name, at_ms in (("begins", definition.begins_ms), ("ends", definition.ends_ms)):
        if at_ms:
            yield f"{name} = {_time(at_ms)}"
    if definition.guardrails:
        tables = (_inline(guardrail) for guardrail in definition.guardrails)
        yield f"guardrails = [{', '.join(tables)}]"


def _variants(definition: ExperimentDefinition) -> Iterator[str]:
    for variant in definition.variants:
        yield from ("", "[[variants]]", f"name = {_value(variant.name)}", f"share = {_value(variant.share)}")
        if any(value is not None for value in asdict(variant.overrides).values()):
            yield f"overrides = {_inline(variant.overrides)}"


def _chosen(struct: Struct) -> Iterator[tuple[str, Any]]:
    """Fields that differ from their defaults."""
    for field in fields(struct):
        value = getattr(struct, field.name)
        if value != field.default:
            yield field.name, value


def _inline(struct: Struct) -> str:
    return f"{{ {', '.join(f'{name} = {_value(value)}' for name, value in _chosen(struct))} }}"


def _value(value: Any) -> str:
    """A string, a number or a list of strings: TOML writes these as JSON does, but for one character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
