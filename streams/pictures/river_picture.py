"""Generations of groups as a river of members: how the groups of one generation flow into those of the next."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from msgspec import Struct

from schemas.learning import CoClusters, Matrix
from streams.pictures import words
from streams.pictures.figures import Figure, Spec, Table, spec_of
from streams.pictures.known_groups import label_of, user_group_name
from streams.pictures.theme import PALETTE

Side = Literal["user", "card"]
HALF_BAR, STEPS, LEAST_FLOW, LEAST_NAMED = 0.06, 8, 0.002, 0.05
"""Half the width of a bar in generations; points of a flow's edge; least shares of a flow and of a name."""
MEMBERS = {"user": "listeners", "card": "cards"}


class Generation(Struct, frozen=True, kw_only=True):
    """The groups of one generation: shares, names, and the overlap [old][new] with the generation before."""

    number: int
    shares: tuple[float, ...]
    names: tuple[str, ...]
    overlap: Matrix


def generation_of(model: CoClusters, side: Side) -> Generation:
    """What a river needs of a published model."""
    if side == "user":
        names = tuple(user_group_name(g) for g in range(len(model.user_prior)))
        return Generation(number=model.generation, shares=model.user_prior, names=names, overlap=model.user_overlap)
    names = tuple(f"{k} · {label_of(model, k)}" for k in range(len(model.card_prior)))
    return Generation(number=model.generation, shares=model.card_prior, names=names, overlap=model.card_overlap)


def river_picture(models: Sequence[CoClusters], side: Side) -> Figure | None:
    """The generations in order; None until one has followed another."""
    generations = [generation_of(model, side) for model in models]
    if len(generations) < 2:
        return None
    flows = [
        flow for at in range(1, len(generations)) for flow in _flows(at - 1, generations[at - 1], generations[at])
    ]  # fmt: skip
    bars = [bar for at, generation in enumerate(generations) for bar in _bars(at, generation)]
    height_px = 300
    what = MEMBERS[side]
    first, last = generations[0].number, generations[-1].number
    return Figure(
        name=f"river-{side}",
        title=f"Where the {what} of each {side} group went, generation {first} to {last}",
        note=f"A bar is a {side} group, as high as its share of the {what}; a band is what flows into a group of the "
        "next generation.",
        summary=f"{len(generations)} generations; " + "; ".join(_kept(generations)) + ".",
        spec=spec_of([], height_px, layer=_layers(flows, bars, [one.number for one in generations])),
        height_px=height_px,
        width_px_min=180 * len(generations),
        table=Table(
            caption=f"Share of the {what} by group",
            columns=("group", *(f"generation {one.number}" for one in generations)),
            rows=tuple(
                (f"{side} group {number}", *(_cell(one, number) for one in generations))
                for number in range(max(len(one.shares) for one in generations))
            ),
        ),
    )


def _cell(generation: Generation, number: int) -> str:
    return words.share(generation.shares[number]) if number < len(generation.shares) else words.NOTHING


def _kept(generations: Sequence[Generation]) -> list[str]:
    """How many members stay in the group of the same number, by generation."""
    said = []
    for old, new in pairwise(generations):
        stay = sum(
            share * new.overlap[g][g]
            for g, share in enumerate(old.shares)
            if g < len(new.overlap) and g < len(new.overlap[g])
        )
        said.append(f"{words.share(stay)} stay in their group in generation {new.number}")
    return said


def _bars(at: int, generation: Generation) -> list[Spec]:
    bars: list[Spec] = []
    top = 0.0
    for number, share in enumerate(generation.shares):
        bars.append(
            {
                "x": at - HALF_BAR,
                "x2": at + HALF_BAR,
                "y": top,
                "y2": top + share,
                "middle": top + share / 2.0,
                "colour": PALETTE[number % len(PALETTE)],
                "name": generation.names[number],
                "text": words.share(share),
                "is_shown": bool(share >= LEAST_NAMED),
            }
        )
        top += share
    return bars


def _flows(at: int, old: Generation, new: Generation) -> list[Spec]:
    """Bands as rows of their edges; without a fitting overlap, as after a missed generation, there are none."""
    if len(new.overlap) != len(old.shares) or any(len(row) != len(new.shares) for row in new.overlap):
        return []
    rows: list[Spec] = []
    begin = _tops(old.shares)
    end = _tops(new.shares)
    mass = [[share * part for part in row] for share, row in zip(old.shares, new.overlap, strict=True)]
    arriving = [sum(row[to] for row in mass) or 1.0 for to in range(len(new.shares))]
    for source, row in enumerate(mass):
        for to, share in enumerate(row):
            thick = share * new.shares[to] / arriving[to]  # bars of the new generation are as high as their shares
            if share >= LEAST_FLOW:
                rows += _band(
                    (at, source, to),
                    (begin[source], share),
                    (end[to], thick),
                    f"{old.names[source]} to {new.names[to]}",
                )
            begin[source] += share
            end[to] += thick
    return rows


def _band(key: tuple[int, int, int], begin: tuple[float, float], end: tuple[float, float], name: str) -> list[Spec]:
    at, source, to = key
    rows: list[Spec] = []
    for step in range(STEPS + 1):
        t = step / STEPS
        s = t * t * (3.0 - 2.0 * t)
        top, high = begin[0] + (end[0] - begin[0]) * s, begin[1] + (end[1] - begin[1]) * s
        rows.append({
            "flow": f"{at}.{source}.{to}", "x": at + HALF_BAR + (1.0 - 2.0 * HALF_BAR) * t, "y": round(top, 5),
            "y2": round(top + high, 5), "colour": PALETTE[source % len(PALETTE)], "name": name,
            "text": words.share(begin[1]),
        })  # fmt: skip
    return rows


def _tops(shares: Sequence[float]) -> list[float]:
    tops = [0.0]
    for share in shares[:-1]:
        tops.append(tops[-1] + share)
    return tops


def _layers(flows: list[Spec], bars: list[Spec], numbers: list[int]) -> list[Spec]:
    named = "[" + ",".join(f"'generation {number}'" for number in numbers) + "]"
    x = {
        "type": "quantitative", "title": None,
        "scale": {"domain": [-0.2, len(numbers) - 0.55], "nice": False, "zero": False},
        "axis": {"values": list(range(len(numbers))), "labelExpr": f"{named}[datum.value]", "grid": False,
                 "domain": False, "ticks": False, "labelFlush": True},
    }  # fmt: skip
    y = {"type": "quantitative", "axis": None, "scale": {"domain": [0, 1], "reverse": True, "nice": False}}
    colour = {"field": "colour", "type": "nominal", "scale": None}
    tip = [{"field": "name", "title": "who"}, {"field": "text", "title": "share"}]
    return [
        {"data": {"values": flows}, "mark": {"type": "area", "opacity": 0.4},
         "encoding": {"x": {"field": "x", **x}, "y": {"field": "y", **y}, "y2": {"field": "y2"},
                      "detail": {"field": "flow"}, "color": colour, "tooltip": tip}},
        {"data": {"values": bars}, "mark": {"type": "rect", "stroke": "#8888"},
         "encoding": {"x": {"field": "x", **x}, "x2": {"field": "x2"}, "y": {"field": "y", **y}, "y2": {"field": "y2"},
                      "color": colour, "tooltip": tip}},
        {"data": {"values": bars}, "transform": [{"filter": "datum.is_shown"}],
         "mark": {"type": "text", "align": "left", "dx": 4, "fontSize": 11},
         "encoding": {"x": {"field": "x2", **x}, "y": {"field": "middle", **y}, "text": {"field": "name"}}},
    ]  # fmt: skip
