"""Reference of the messages, from their JSON Schemas."""

from collections.abc import Iterator
from typing import Any

import msgspec

from schemas.export import message_types
from schemas.topics import TOPICS
from streams.documentation.markdown_tables import anchor, code, page, prose, table

ABOUT = """\
The value of a record is one JSON object of one of these types; its field `type` says which, with the version of the
message. Fields without a default are required. A new field has a default; a changed meaning is a new version.
`shelfwise schemas export DIR` writes the same as JSON Schema 2020-12, one file for each message, with an AsyncAPI 3
document of the whole data flow."""
TOPICS_PAGE = "topics.md"


def messages_page() -> str:
    """The page of all messages, and of the structs inside them."""
    _, components = msgspec.json.schema_components(message_types(), ref_template="{name}")
    own = [message.__name__ for message in message_types()]
    names = [*own, *(name for name in components if name not in own)]
    return page("Messages", ABOUT, (_section(name, components[name], is_inner=name not in own) for name in names))


def _section(name: str, schema: dict[str, Any], *, is_inner: bool) -> str:
    parts = [f"## {name}"]
    if not is_inner:
        topics = ", ".join(f"[{topic}]({TOPICS_PAGE}#{anchor(topic)})" for topic in _carried_by(name))
        parts.append(f"Topic: {topics}")
    parts.append(prose(schema.get("description")))
    rows = list(_rows(schema))
    if rows:
        parts.append(table(["field", "type", "default"], rows))
    return "\n\n".join(part for part in parts if part)


def _carried_by(name: str) -> Iterator[str]:
    for topic in TOPICS.values():
        members = getattr(topic.message, "__args__", (topic.message,))
        if name in {getattr(one, "__name__", "") for one in members}:
            yield topic.name


def _rows(schema: dict[str, Any]) -> Iterator[list[str]]:
    required = schema.get("required", [])
    for name, field in schema.get("properties", {}).items():
        default = "required" if name in required else code(msgspec.json.encode(field.get("default", {})).decode())
        yield [code(name), _kind(field), default]


def _kind(field: dict[str, Any]) -> str:
    """A type of JSON Schema in words.

    >>> _kind({"type": "array", "items": {"type": "integer", "minimum": 0}})
    'list of integer, at least 0'
    """
    if "enum" in field:
        return ", ".join(code(value) for value in field["enum"])
    if "$ref" in field:
        return f"[{field['$ref']}](#{anchor(field['$ref'])})"
    if "anyOf" in field:
        return " or ".join(_kind(one) for one in field["anyOf"])
    of = field.get("type", "any")
    if of == "array":
        return f"list of {_kind(field['items'])}" if field.get("items") else _fixed(field)
    if of == "object":
        return f"map to {_kind(field['additionalProperties'])}" if field.get("additionalProperties") else "object"
    return ", ".join([{"string": "text", "boolean": "true or false"}.get(of, of), *_bounds(field)])


def _fixed(field: dict[str, Any]) -> str:
    return f"list of {', '.join(_kind(one) for one in field.get('prefixItems', []))}"


def _bounds(field: dict[str, Any]) -> Iterator[str]:
    if "maxLength" in field:
        yield f"{field.get('minLength', 0)} to {field['maxLength']:,} characters"
    words = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    for name, word in words.items():
        if name in field:
            yield f"{word} {field[name]:,}"
