"""Reads a definition of an experiment from TOML or JSON, as people write it."""

import tomllib
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from schemas.experiments import ExperimentDefinition, Guardrail, Overrides, Variant
from streams.configuration_error import ConfigurationError
from streams.files.text import text_of

GIVEN_LATER = ("status", "revision", "effective_ms", "earlier")
"""Fields that `experiments apply` and `experiments stop` fill in."""
_TIMES = {"begins": "begins_ms", "ends": "ends_ms"}


def definition_in(path: Path) -> ExperimentDefinition:
    """The definition in a file; raises `ConfigurationError` with the place of the fault."""
    return definition_of(text_of(path), str(path))


def definition_of(text: str, path: str) -> ExperimentDefinition:
    """The definition in a text, which errors call `path`; raises `ConfigurationError` with the place of the fault.

    Times may be written as `begins` and `ends`, dates with a time zone, instead of milliseconds.
    """
    body = _parsed(text, path)
    _refuse_unknown(path, "", body, {*_names(ExperimentDefinition, but=GIVEN_LATER), *_TIMES})
    for number, variant in enumerate(_tables(body.get("variants"))):
        _refuse_unknown(path, f"variants[{number}].", variant, _names(Variant, but=("buckets",)))
        for overrides in _tables([variant.get("overrides", {})]):
            _refuse_unknown(path, f"variants[{number}].overrides.", overrides, _names(Overrides))
    for number, guardrail in enumerate(_tables(body.get("guardrails"))):
        _refuse_unknown(path, f"guardrails[{number}].", guardrail, _names(Guardrail))
    for written, name in _TIMES.items():
        if written in body:
            body[name] = _milliseconds(path, written, body.pop(written))
    try:
        return msgspec.convert(body, ExperimentDefinition)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{path} is no definition of an experiment: {error}") from error


def _parsed(text: str, path: str) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (tomllib.TOMLDecodeError, msgspec.DecodeError, RecursionError, ValueError) as error:
        raise ConfigurationError(f"{path} is neither TOML nor JSON: {error}") from error
    if not isinstance(body, dict):
        raise ConfigurationError(f"{path} is no definition of an experiment: it is not a table")
    return body


def _tables(value: Any) -> list[dict[str, Any]]:
    """The tables in a list; what is none is refused later, with its type."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _names(kind: type[msgspec.Struct], but: tuple[str, ...] = ()) -> set[str]:
    return set(kind.__struct_fields__) - set(but)


def _refuse_unknown(path: str, where: str, body: dict[str, Any], known: set[str]) -> None:
    for name in body:
        if name not in known:
            names = ", ".join(sorted(known))
            raise ConfigurationError(f"{path}: {where}{name} is not known; there are {names}")


def _milliseconds(path: str, name: str, value: Any) -> int:
    if isinstance(value, str):
        with suppress(ValueError):
            value = datetime.fromisoformat(value)
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ConfigurationError(f"{path}: {name} must be a time with its zone, for example 2026-05-01T08:00:00Z")
    return round(value.astimezone(UTC).timestamp() * 1_000)
