"""Forms that only pages of this console can send."""

import hmac
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit


class RefusedError(Exception):
    """A form that is not obeyed; `status` is that of the answer."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def own_fields(headers: Mapping[str, str], body: bytes, *, token: str, bytes_max: int) -> dict[str, str]:
    """The fields of a form, if a page of this process sent it; raises `RefusedError`.

    Two checks, each enough by itself: browsers name the page's own host as origin, and the form carries a token that
    only pages of this process have. Other sites can neither set the one nor read the other.
    """
    _refuse_unless_own(headers)
    fields = _fields(body, bytes_max)
    if not hmac.compare_digest(fields.get("token", "").encode(), token.encode()):
        raise RefusedError(403, "The page is from an earlier run of the console: load it again.")
    return fields


def _refuse_unless_own(headers: Mapping[str, str]) -> None:
    """Raise `RefusedError` for a request that another site sent.

    >>> _refuse_unless_own({"origin": "http://localhost:8400", "host": "localhost:8400"})
    >>> _refuse_unless_own({"origin": "https://elsewhere.example", "host": "localhost:8400"})
    Traceback (most recent call last):
    streams.console.own_forms.RefusedError: This request comes from another site.
    """
    origin, host = headers.get("origin", ""), headers.get("host", "")
    if not host or urlsplit(origin).netloc != host or headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise RefusedError(403, "This request comes from another site.")


def _fields(body: bytes, bytes_max: int) -> dict[str, str]:
    if len(body) > bytes_max:
        raise RefusedError(413, "The form is too large.")
    try:
        read = parse_qs(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=8)
    except ValueError as error:
        raise RefusedError(400, "The form cannot be read.") from error
    return {name: values[0] for name, values in read.items()}
