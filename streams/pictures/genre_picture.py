"""Genres of the card groups: how frequent each is in a group, and how much more than among all cards."""

import numpy as np

from processors.arrays import FloatArray
from processors.cocluster.model.labels import PSEUDO_CARDS
from processors.published_groups import softmax
from streams.pictures import words
from streams.pictures.figures import COLUMN_AXIS, Figure, Spec, Table, spec_of
from streams.pictures.group_words import placed_cards
from streams.pictures.known_groups import KnownGroups

GENRES_OF_GROUP = 3
ROW_PX = 30


def genre_picture(known: KnownGroups) -> Figure | None:
    """Genres x card groups; shown are the most characteristic ones of each group. None without genres."""
    found = _weights(known)
    if found is None:
        return None
    genres, weight, cards, base = found
    raw = weight / np.maximum(cards, 1e-9)[:, None]
    lift = (weight + PSEUDO_CARDS * base) / ((cards + PSEUDO_CARDS)[:, None] * base)
    shown = _shown(lift)
    columns = [known.column_name(k) for k in range(known.shape[1])]
    rows: list[Spec] = [
        {"genre": genres[i], "k": column, "share": round(float(raw[k, i]), 4), "lift": round(float(lift[k, i]), 3),
         "text": words.share(float(raw[k, i])), "factor": words.factor(float(lift[k, i]))}
        for i in shown for k, column in enumerate(columns)
    ]  # fmt: skip
    height_px = ROW_PX * len(shown) + 110
    named = [f"{known.label_of(k)}: {genres[int(lift[k].argmax())]}" for k in range(len(columns))]
    return Figure(
        name="genres",
        title="Genres of the card groups",
        note="Number: share of the group's cards that are of the genre, among those that have genres. Colour: how much "
        "more (orange) or less (blue) frequent it is than among all of them.",
        summary=f"Most characteristic genres: {'; '.join(named)}.",
        spec=spec_of(rows, height_px, **_parts()),
        height_px=height_px,
        width_px_min=84 * len(columns) + 150,
        table=Table(
            caption="Share of the group's cards, and the factor over all cards",
            columns=("genre", *columns),
            rows=tuple(
                (genres[i], *(f"{words.share(float(raw[k, i]))} ({words.factor(float(lift[k, i]))})"
                              for k in range(len(columns))))
                for i in shown
            ),
        ),
    )  # fmt: skip


def _weights(known: KnownGroups) -> tuple[list[str], FloatArray, FloatArray, FloatArray] | None:
    """Genres, soft cards [K, genres] and [K] of the groups, and the share of each genre among all cards."""
    placed = placed_cards(known)
    cards = [card_id for card_id in placed if card_id in known.cards and known.cards[card_id].genres]
    genres = sorted({genre for card_id in cards for genre in known.cards[card_id].genres})
    if not genres:
        return None
    number = {genre: place for place, genre in enumerate(genres)}
    has = np.zeros((len(cards), len(genres)))
    for row, card_id in enumerate(cards):
        for genre in known.cards[card_id].genres:
            has[row, number[genre]] = 1.0
    weights = softmax(np.array([placed[card_id] for card_id in cards]))
    return genres, weights.T @ has, weights.sum(axis=0), has.mean(axis=0)


def _shown(lift: FloatArray) -> list[int]:
    """The most characteristic genres of each group, group by group."""
    chosen: dict[int, None] = {}
    for row in lift:
        for genre in np.argsort(-row, kind="stable")[:GENRES_OF_GROUP].tolist():
            chosen.setdefault(genre)
    return list(chosen)


def _parts() -> Spec:
    return {
        "encoding": {
            "x": {"field": "k", "type": "nominal", "title": None, "sort": None,
                  "axis": COLUMN_AXIS},
            "y": {"field": "genre", "type": "nominal", "title": None, "sort": None,
                  "axis": {"domain": False, "ticks": False, "labelLimit": 150}},
        },
        "layer": [
            {"mark": {"type": "rect", "stroke": "#8884"},
             "encoding": {"color": {"field": "lift", "type": "quantitative", "title": "against all cards",
                                    "scale": {"type": "log", "scheme": "blueorange", "domain": [0.25, 4],
                                              "clamp": True},
                                    "legend": {"orient": "bottom", "direction": "horizontal", "gradientLength": 240,
                                               "values": [0.25, 0.5, 1, 2, 4], "labelExpr": "'×' + datum.label"}},
                          "tooltip": [{"field": "genre"}, {"field": "k", "title": "card group"},
                                      {"field": "text", "title": "share of its cards"},
                                      {"field": "factor", "title": "against all cards"}]}},
            {"mark": {"type": "text", "fontSize": 12, "color": "#000000"},
             "encoding": {"text": {"field": "text"},
                          "color": {"condition": {"test": "datum.lift > 3 || datum.lift < 0.34", "value": "#ffffff"},
                                    "value": "#000000"}}},
        ],
    }  # fmt: skip
