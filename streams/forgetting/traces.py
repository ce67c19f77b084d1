r"""Searches a record for a listener's id: in its key, value and headers.

Ids are free text and often part of others (`u1` in `u12`), so an id that continues with letters, digits or `. _ -` is
another one. In binary state rows an id may have any neighbours: there an id of eight bytes or more always counts, a
shorter one only between ends, zero bytes and quotes.
"""

import json
import re
from collections.abc import Iterable, Sequence

SURE_BYTES = 8
"""Length from which an id hardly occurs in binary numbers by chance."""

_GOES_ON = rb"[A-Za-z0-9_.%\-\x80-\xff]"
_GOES_ON_IN_TEXT = rb"[A-Za-z0-9_.%@\-\x80-\xff]"
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_NOTHING = rb"(?!)"

Headers = Sequence[tuple[str, bytes | None]]


def forms_of(user_id: str) -> set[bytes]:
    r"""All encodings of an id in our topics and in JSON.

    >>> sorted(forms_of("zoë@x"))
    [b'zo\\u00eb%40x', b'zo\\u00eb@x', b'zo\xc3\xab%40x', b'zo\xc3\xab@x']
    """
    in_key = user_id.replace("%", "%25").replace("@", "%40")
    names = (user_id, in_key)
    quoted = [json.dumps(name, ensure_ascii=is_ascii)[1:-1] for name in names for is_ascii in (False, True)]
    return {name.encode(errors="surrogatepass") for name in (*names, *quoted)}


class Traces:
    """Searches for several listeners at once.

    >>> traces = Traces(["u1", "listener-7"])
    >>> traces.in_record(b"u1@search", b"{}"), traces.in_record(b"u12", b'{"user_id":"u1.b"}'), traces.in_row(b"xu1y")
    (True, False, False)
    >>> traces.in_row(b"A" + b"listener-7" + bytes(2)), traces.in_row(b"listener-71")
    (True, False)
    """

    def __init__(self, user_ids: Iterable[str]) -> None:
        ids = list(user_ids)
        forms = {form for user_id in ids for form in forms_of(user_id)}
        self._in_key = _bounded(forms, _GOES_ON)
        self._in_text = _bounded(forms, _GOES_ON_IN_TEXT)
        sure = {form for form in forms if len(form) >= SURE_BYTES}
        alone = rb'(?:(?<=[\x00"/])|\A)(?:%b)(?=[\x00"]|\Z)' % _any_of(forms - sure)
        self._in_bytes = re.compile(rb"%b|%b" % (_any_of(sure), alone))

    def in_record(self, key: bytes | None, value: bytes | None, headers: Headers = ()) -> bool:
        """Whether a record with a text value contains one of the ids."""
        in_value = self._in_text.search(value or b"")
        return bool(in_value or self._in_key.search(key or b"") or self._in_headers(headers))

    def in_state(self, key: bytes, value: bytes | None, headers: Headers = ()) -> bool:
        """Whether a state row contains one of the ids."""
        return bool(self.in_row(value or b"") or self._in_key.search(key) or self._in_headers(headers))

    def in_row(self, value: bytes) -> bool:
        """Whether the value of a row, text or binary, contains one of the ids."""
        if _CONTROL.search(value) is None and _is_text(value):
            return self._in_text.search(value) is not None
        return self._in_bytes.search(value) is not None

    def _in_headers(self, headers: Headers) -> bool:
        parts = (part for name, value in headers for part in (name.encode(errors="surrogateescape"), value or b""))
        return any(self._in_key.search(part) for part in parts)


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _bounded(forms: set[bytes], goes_on: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"(?<!%b)(?:%b)(?!%b)" % (goes_on, _any_of(forms), goes_on))


def _any_of(forms: set[bytes]) -> bytes:
    return b"|".join(sorted(map(re.escape, forms))) or _NOTHING
