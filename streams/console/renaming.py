"""Renaming card groups from the console: one form, for editors, where that is switched on."""

from collections.abc import Awaitable, Callable, Mapping

from schemas.codec import encode
from schemas.learning import CardGroupName, CoClusters
from streams.console.own_forms import RefusedError, own_fields

TOPIC = "card-group-names"
FORM_BYTES_MAX = 4_096
Publish = Callable[[str, str, bytes | None], Awaitable[None]]
"""Writes one record: topic, key, value."""


class Renaming:
    """Writes what `shelfwise labels name` writes, if the request comes from a page of this console."""

    def __init__(self, token: str, publish: Publish) -> None:
        self.token = token
        self._publish = publish

    async def rename(self, headers: Mapping[str, str], body: bytes, model: CoClusters | None) -> CardGroupName:
        """Publish the name that the form asks for; an empty one removes it. Raises `RefusedError`."""
        fields = own_fields(headers, body, token=self.token, bytes_max=FORM_BYTES_MAX)
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
