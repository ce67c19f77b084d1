"""Renaming card groups from the console: one form, for editors, where that is switched on."""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qs, urlsplit

from schemas.codec import encode
from schemas.learning import CardGroupName, CoClusters

TOPIC = "card-group-names"
FORM_BYTES_MAX = 4_096
Publish = Callable[[str, str, bytes | None], Awaitable[None]]
"""Writes one record: topic, key, value."""


class RefusedError(Exception):
    """A request to rename that is not obeyed; `status` is that of the answer."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Renaming:
    """Writes what `shelfwise labels name` writes, if the request comes from a page of this console.

    Two checks, each enough by itself: browsers name the page's own host as origin, and the form carries a token that
    only pages of this process have. Other sites can neither set the one nor read the other.
    """

    def __init__(self, token: str, publish: Publish) -> None:
        self.token = token
        self._publish = publish

    async def rename(self, headers: Mapping[str, str], body: bytes, model: CoClusters | None) -> CardGroupName:
        """Publish the name that the form asks for; an empty one removes it. Raises `RefusedError`."""
        _refuse_unless_own(headers)
        fields = _fields(body)
        if not hmac.compare_digest(fields.get("token", "").encode(), self.token.encode()):
            raise RefusedError(403, "The page is from an earlier run of the console: load it again.")
        number, name = fields.get("group", ""), fields.get("name", "").strip()
        if model is None or not (number.isascii() and number.isdigit() and int(number) < len(model.card_prior)):
            raise RefusedError(409, "There is no such card group: groups may have changed.")
        if fields.get("generation") != str(model.generation):
            raise RefusedError(409, "Groups have been formed anew: load the page again, and look which is which.")
        try:
            said = CardGroupName(group=int(number), generation=model.generation, name=name or "-")
        except ValueError as error:
            raise RefusedError(400, f"That cannot be a name: {error}.") from error
        await self._publish(TOPIC, said.key, encode(said) if name else None)
        return said


def _refuse_unless_own(headers: Mapping[str, str]) -> None:
    """Raise `RefusedError` for a request that another site sent.

    >>> _refuse_unless_own({"origin": "http://localhost:8400", "host": "localhost:8400"})
    >>> _refuse_unless_own({"origin": "https://elsewhere.example", "host": "localhost:8400"})
    Traceback (most recent call last):
    streams.console.renaming.RefusedError: This request comes from another site.
    """
    origin, host = headers.get("origin", ""), headers.get("host", "")
    if not host or urlsplit(origin).netloc != host or headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise RefusedError(403, "This request comes from another site.")


def _fields(body: bytes) -> dict[str, str]:
    if len(body) > FORM_BYTES_MAX:
        raise RefusedError(413, "The form is too large.")
    try:
        read = parse_qs(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=8)
    except ValueError as error:
        raise RefusedError(400, "The form cannot be read.") from error
    return {name: values[0] for name, values in read.items()}
