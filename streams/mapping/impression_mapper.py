"""Foreign records of pages as impressions."""

from typing import Any

from schemas.impressions import Impression
from streams.mapping.expressions import Expression
from streams.mapping.field_values import list_of, name_of, number_of, text_of, whole_of
from streams.mapping.mapping_settings import TIME_UNITS_MS, ImpressionMapping
from streams.mapping.message_fields import (
    Condition,
    Field,
    context_fields,
    digest_of,
    field_of,
    message_of,
    time_field,
    values_of,
)
from streams.mapping.unmappable import UnmappableError, shown


class ImpressionMapper:
    """Maps one record at a time, without state.

    >>> mapping = ImpressionMapping(user_id="who", event_s="at", shelves="rows", shelf_id="name",
    ...     cards="items[].id", seen="items[].in_view")
    >>> items = [{"id": "c1", "in_view": True}, {"id": "c2", "in_view": False}]
    >>> page = {"who": "u1", "at": 1_700_000_000, "rows": [{"name": "jazz", "items": items}]}
    >>> [shelf] = ImpressionMapper(mapping).message(page).shelves; shelf.cards, shelf.seen, shelf.propensities
    (('c1', 'c2'), (0,), (1.0, 1.0))
    """

    def __init__(self, mapping: ImpressionMapping) -> None:
        self.mapping = mapping
        self.condition = Condition(mapping.where)
        texts = ("surface", "variant", "policy_version", "reward_version", "model_version")
        self.fields = [
            *field_of(mapping, "user_id", is_required=True),
            *time_field(mapping, "event_ms", TIME_UNITS_MS),
            *field_of(mapping, "event_id", is_required=True),
            *(field for name in texts for field in field_of(mapping, name)),
            *field_of(mapping, "assignments", text_of),
            *field_of(mapping, "ranking_number", whole_of),
        ]
        self.context = context_fields(mapping)
        self._shelves = Expression("shelves", mapping.shelves) if mapping.shelves else None
        self.shelf_fields = [
            *field_of(mapping, "shelf_id", is_required=True),
            *field_of(mapping, "cards", _names, is_required=True),
            *field_of(mapping, "seen", list_of, is_required=True),
            *field_of(mapping, "seen_count", whole_of, is_required=True),
            *field_of(mapping, "propensities", _numbers, is_required=True),
            *field_of(mapping, "propensity", number_of),
            *field_of(mapping, "order_log_propensities", _numbers),
            *field_of(mapping, "row_log_propensity", number_of),
        ]

    @property
    def row_fields(self) -> list[Field]:
        """The fields of a shelf, if the record itself is the shelf."""
        return self.shelf_fields if self._shelves is None else []

    def message(self, event: Any) -> Impression | None:
        """The impression of a record; None if `where` passes it over. Raises `UnmappableError`."""
        if not self.condition(event):
            return None
        values = values_of(self.fields, event)
        shelves = [self._shelf(shelf) for shelf in self._shelves_of(event)]
        values["shelves"] = shelves
        if "event_id" not in values:
            page = [(shelf["shelf_id"], shelf["cards"], shelf["seen"]) for shelf in shelves]
            values["event_id"] = digest_of("impression", values["user_id"], values["event_ms"], page)
        if self.context:
            values["context"] = values_of(self.context, event)
        return message_of(Impression, {"type": "impression.v1", **values})

    def _shelves_of(self, event: Any) -> list[Any]:
        if self._shelves is None:
            return [event]
        found = Field("shelves", self._shelves, list_of, is_required=True).read(event)
        assert isinstance(found, list)
        return found

    def _shelf(self, shelf: Any) -> dict[str, Any]:
        values = values_of(self.shelf_fields, shelf)
        cards = values["cards"]
        if "seen_count" in values:
            count = values.pop("seen_count")
            if not 0 <= count <= len(cards):
                raise UnmappableError("wrong_field", "seen_count", f"{count} of {len(cards)} cards")
            values["seen"] = list(range(count))
        else:
            values["seen"] = _places(values["seen"], cards) if "seen" in values else list(range(len(cards)))
        values.setdefault("propensities", [1.0] * len(cards))
        return values


def _names(setting: str, found: Any) -> list[str]:
    return [name_of(setting, one) for one in list_of(setting, found)]


def _numbers(setting: str, found: Any) -> list[float]:
    return [number_of(setting, one) for one in list_of(setting, found)]


def _places(seen: list[Any], cards: list[str]) -> list[int]:
    """Places in ascending order, from places, a truth value for each card, or card ids.

    >>> _places([True, False, True], ["a", "b", "c"]), _places([2, 0], ["a", "b", "c"]), _places(["b"], ["a", "b"])
    ([0, 2], [0, 2], [1])
    """
    if all(isinstance(one, bool) for one in seen) and seen:
        if len(seen) != len(cards):
            raise UnmappableError("wrong_field", "seen", f"{len(seen)} truth values for {len(cards)} cards")
        return [place for place, is_seen in enumerate(seen) if is_seen]
    if all(isinstance(one, int) and not isinstance(one, bool) for one in seen):
        return sorted(set(seen))
    place_of = {card: place for place, card in enumerate(cards)}
    unknown = [one for one in seen if not isinstance(one, str) or one not in place_of]
    if unknown:
        what = f"{shown(unknown[0])} is neither a place, nor a truth value, nor one of the cards"
        raise UnmappableError("wrong_field", "seen", what)
    return sorted({place_of[one] for one in seen})
