"""CloudEvents 1.0 by its protocol binding for Kafka: structured and binary mode, with data in JSON.

In both modes expressions see the attributes (`type`, `source`, `time`, …) and `data`. Read by the specification instead
of the SDK, which builds an object for each event and calls itself a work in progress; it is the oracle of the tests.
"""

import base64
from typing import Any

from schemas.codec import UnreadableError
from streams.mapping.formats.decoder import Headers
from streams.mapping.formats.json_format import parsed

PREFIX = "ce_"
STRUCTURED = "application/cloudevents"
BATCH = "application/cloudevents-batch"
NEEDED = ("id", "source", "specversion", "type")


class CloudEvents:
    """One event a record.

    >>> headers = [("ce_specversion", b"1.0"), ("ce_type", b"play"), ("ce_id", b"7"), ("ce_source", b"/app")]
    >>> CloudEvents().event(b'{"secs": 3}', headers)["data"]
    {'secs': 3}
    """

    def event(self, value: bytes, headers: Headers) -> Any:
        """The attributes, and `data`."""
        found = {name.lower(): text for name, text in headers if text is not None}
        content_type = _text(found.get("content-type", b"")).strip().lower()
        if content_type.startswith(BATCH):
            raise UnreadableError("undecodable", "a batch of CloudEvents, which Kafka's binding does not have")
        if content_type.startswith(STRUCTURED) or PREFIX + "specversion" not in found:
            return _complete(_structured(value))
        attributes: dict[str, Any] = {
            name.removeprefix(PREFIX): _text(text) for name, text in found.items() if name.startswith(PREFIX)
        }
        if content_type:
            attributes["datacontenttype"] = content_type
        return _complete({**attributes, "data": _data(value, content_type)})


def _structured(value: bytes) -> Any:
    event = parsed(value)
    if isinstance(event, dict) and "data_base64" in event:
        try:
            data = base64.b64decode(event["data_base64"], validate=True)
        except (TypeError, ValueError) as error:
            raise UnreadableError("undecodable", f"data_base64 is not base64: {error}") from error
        return {**event, "data": _data(data, str(event.get("datacontenttype") or ""))}
    return event


def _data(value: bytes, content_type: str) -> Any:
    """Data in JSON, which is the default; none if it is empty."""
    kind = content_type.partition(";")[0].strip().lower()
    if not value:
        return None
    if kind in {"", "application/json", "text/json"} or kind.endswith("+json"):
        return parsed(value)
    raise UnreadableError("undecodable", f"the data of this CloudEvent is {kind}; JSON is read")


def _complete(event: Any) -> Any:
    missing = [name for name in NEEDED if not (isinstance(event, dict) and event.get(name))]
    if missing:
        raise UnreadableError("undecodable", f"not a CloudEvent: it has no {', '.join(missing)}")
    return event


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise UnreadableError("undecodable", f"a header is not UTF-8: {error}") from error
