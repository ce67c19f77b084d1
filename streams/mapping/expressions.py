"""JMESPath expressions, compiled once; plain paths are read without the interpreter."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from streams.configuration_error import ConfigurationError
from streams.mapping.unmappable import UnmappableError, shown


class Expression:
    """An expression of the settings, under the name of its setting.

    >>> Expression("card_id", "context.uri")({"context": {"uri": "c1"}})
    'c1'
    >>> Expression("user_id", "user.")
    Traceback (most recent call last):
    streams.configuration_error.ConfigurationError: user_id = 'user.' is not a JMESPath expression: it ends too early
    """

    def __init__(self, setting: str, text: str) -> None:
        self.setting = setting
        self.text = text
        parsed = _parsed(setting, text)
        self.names = frozenset(_names(parsed.parsed))
        path = _path(parsed.parsed)
        self._value: Callable[[Any], Any] = _interpreted(setting, parsed) if path is None else _plain(path)

    def __call__(self, event: Any) -> Any:
        """The value in a record; None if there is none. Raises `UnmappableError` if it cannot be evaluated."""
        return self._value(event)


def _parsed(setting: str, text: str) -> Any:
    from jmespath import compile as compile_expression  # it is needed only where events are mapped
    from jmespath.exceptions import JMESPathError

    try:
        return compile_expression(text)
    except JMESPathError as error:
        said = str(error).splitlines()[0].rstrip(": ")
        where = getattr(error, "lex_position", None)
        what = "it ends too early" if where is None or where >= len(text) else f"{said[:80]}, at character {where + 1}"
        raise ConfigurationError(f"{setting} = {text!r} is not a JMESPath expression: {what}") from error


def _path(node: Any) -> list[str] | None:
    """The names of a plain path like `a.b`; None for any other expression."""
    if node["type"] == "field":
        return [node["value"]]
    if node["type"] != "subexpression":
        return None
    parts = [_path(child) for child in node["children"]]
    return None if None in parts else [name for part in parts if part is not None for name in part]


def _names(node: Any) -> Iterator[str]:
    """Names that are looked up in the record itself."""
    kind, children = node["type"], node.get("children", ())
    if kind == "field":
        yield node["value"]
    elif kind in {"subexpression", "index_expression", "projection", "value_projection", "filter_projection", "pipe"}:
        yield from _names(children[0])
    elif kind not in {"multi_select_dict", "literal"}:
        for child in children:
            if isinstance(child, dict):
                yield from _names(child)


def _plain(path: list[str]) -> Callable[[Any], Any]:
    """What JMESPath gives for a path, without its interpreter, which takes ten times as long."""
    if len(path) == 1:
        [only] = path
        return lambda event: event.get(only) if isinstance(event, dict) else None

    def value(event: Any) -> Any:
        for name in path:
            if not isinstance(event, dict):
                return None
            event = event.get(name)
        return event

    return value


def _interpreted(setting: str, parsed: Any) -> Callable[[Any], Any]:
    from jmespath.exceptions import JMESPathError

    options = _options()

    def value(event: Any) -> Any:
        try:
            return parsed.search(event, options=options)
        except JMESPathError as error:
            raise UnmappableError("wrong_field", setting, shown(str(error))) from error

    return value


@cache
def _options() -> Any:
    """JMESPath with `split(text, separator)`, for lists in a cell of CSV."""
    from jmespath import Options, functions

    class Functions(functions.Functions):  # type: ignore[misc]  # jmespath has no types
        @functions.signature({"types": ["string"]}, {"types": ["string"]})  # type: ignore[untyped-decorator]
        def _func_split(self, text: str, separator: str) -> list[str]:
            return text.split(separator) if text else []

    return Options(custom_functions=Functions())
