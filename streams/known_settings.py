"""Names of all settings, so that an unknown name is refused with a suggestion instead of ignored."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from typing import Any, get_args, get_origin, get_type_hints

from msgspec.inspect import is_struct_type
from pydantic_settings import BaseSettings

from streams.configuration_error import ConfigurationError

OTHER_VARIABLES = {"SHELFWISE_KAFKA_JARS"}
"""Our variables that are not settings: the harness's folder of Apache Kafka's jars."""
_OF_KUBERNETES = re.compile(r".*_SERVICE_(HOST|PORT)(_\w+)?|.*_PORT_\d+_(TCP|UDP)(_\w+)?")
"""Kubernetes sets these in pods if a service's name begins with ours."""
ANY = "*"
"""Placeholder for a name that users choose, for example of a surface."""


def names_of(kind: type[BaseSettings]) -> list[tuple[str, ...]]:
    """All settings and sections, as parts of their names."""
    return [
        (name, *rest) for name, field in kind.model_fields.items() for rest in ((), *_names_within(field.annotation))
    ]


def refuse_unknown_variables(names: list[tuple[str, ...]], environment: Mapping[str, str], prefix: str) -> None:
    """Raise `ConfigurationError` for the first variable with this prefix that is not a setting.

    >>> known = [("seed",), ("ranking",), ("ranking", "epsilon"), ("ranking", "surfaces", ANY, "reward")]
    >>> refuse_unknown_variables(known, {"SHELFWISE_RANKIN__EPSILON": "0.1"}, "SHELFWISE_")
    Traceback (most recent call last):
    streams.configuration_error.ConfigurationError: no setting is named SHELFWISE_RANKIN__EPSILON; the nearest is \
SHELFWISE_RANKING__EPSILON
    >>> refuse_unknown_variables(known, {"SHELFWISE_RANKING__SURFACES__SEARCH__REWARD": "mean"}, "SHELFWISE_")
    """
    for variable in sorted(environment):
        if variable.upper().startswith(prefix) and not _is_somebody_elses(variable.upper(), environment[variable]):
            parts = tuple(variable[len(prefix) :].lower().split("__"))
            if not _is_known(parts, names):
                nearest = _nearest(parts, names, "__")
                shown = f"{prefix}{nearest.upper()}" if nearest else None
                raise ConfigurationError(_unknown(variable, shown))


def refuse_unknown_keys(names: list[tuple[str, ...]], values: Mapping[str, Any], where: str) -> None:
    """Raise `ConfigurationError` for the first key of a file that is not a setting."""
    for parts in _keys(values):
        if not _is_known(parts, names):
            raise ConfigurationError(f"{where}: {_unknown('.'.join(parts), _nearest(parts, names, '.'))}")


def _is_somebody_elses(variable: str, value: str) -> bool:
    return (
        variable in OTHER_VARIABLES
        or _OF_KUBERNETES.fullmatch(variable) is not None
        or (variable.endswith("_PORT") and value.startswith(("tcp://", "udp://")))
    )


def _unknown(name: str, nearest: str | None) -> str:
    way_out = f"the nearest is {nearest}" if nearest else "`shelfwise config show` prints all"
    return f"no setting is named {name}; {way_out}"


def _names_within(kind: Any) -> Iterator[tuple[str, ...]]:
    """Names of a section's fields; empty for a plain value."""
    for one in (kind, *get_args(kind)):
        if is_struct_type(one) or is_dataclass(one):
            hints = get_type_hints(one)
            named = one.__struct_fields__ if is_struct_type(one) else [field.name for field in fields(one)]
            for name in named:
                yield (name,)
                yield from ((name, *rest) for rest in _names_within(hints[name]))
        elif get_origin(one) is dict:
            yield (ANY,)
            yield from ((ANY, *rest) for rest in _names_within(get_args(one)[1]))


def _is_known(parts: tuple[str, ...], names: list[tuple[str, ...]]) -> bool:
    return any(
        len(parts) == len(name) and all(mine in {part, ANY} for part, mine in zip(parts, name, strict=True))
        for name in names
    )


def _nearest(parts: tuple[str, ...], names: list[tuple[str, ...]], joint: str) -> str | None:
    """The most similar known name, with the user's own words in place of placeholders."""
    filled = []
    for name in names:
        own = (*parts, *name[len(parts) :])[: len(name)]
        filled.append(joint.join(mine if mine != ANY else given for mine, given in zip(name, own, strict=True)))
    return next(iter(get_close_matches(joint.join(parts), filled, n=1)), None)


def _keys(values: Mapping[str, Any], before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in values.items():
        yield (*before, key)
        if isinstance(value, Mapping):
            yield from _keys(value, (*before, key))
