"""The leaderboard: candidates by their value on the live log, with intervals that hold at any time."""

from collections.abc import Iterable

from schemas.policy_values import PolicyValue
from streams.pictures import words
from streams.pictures.figures import Figure, Spec, Table, spec_of
from streams.standings_table import verdict_of

UNITS = {"minutes": "minutes for each exposure"}


def leaderboard_pictures(values: Iterable[PolicyValue], yardstick: str) -> tuple[Figure, Figure]:
    """Candidates by one yardstick, and less the incumbent; what is withheld is not drawn."""
    of_it = [value for value in values if value.yardstick == yardstick]
    shown = sorted((one for one in of_it if one.value is not None), key=lambda one: -(one.value or 0.0))
    return _values(yardstick, shown), _differences(yardstick, [one for one in shown if one.candidate != one.incumbent])


def _values(yardstick: str, shown: list[PolicyValue]) -> Figure:
    data: list[Spec] = [
        {"candidate": one.candidate, "value": one.value, "low": one.low_anytime, "high": one.high_anytime,
         "verdict": verdict_of(one), "pages": one.count}
        for one in shown
    ]  # fmt: skip
    best = f"The highest is {shown[0].candidate} with {shown[0].value:.3f}." if shown else "No value may be shown."
    return Figure(
        name="values",
        title=f"Candidates by {yardstick}",
        note="Value on the pages that were shown; lines are intervals that hold at any time.",
        summary=f"{len(shown)} candidates by {yardstick}. {best}",
        spec=_intervals(data, "value", UNITS.get(yardstick, "share of the exposures")),
        height_px=_height_px(data),
        shows_table=True,
        table=Table(
            caption=f"Candidates by {yardstick}, the best first",
            columns=("candidate", "value", "at any time", "pages", "effective sample", "verdict"),
            rows=tuple(
                (one.candidate, f"{one.value:.4f}", _interval(one.low_anytime, one.high_anytime, ".4f"),
                 words.count(one.count), words.count(one.ess), verdict_of(one))
                for one in shown
            ),
            numeric=False,
        ),
    )  # fmt: skip


def _differences(yardstick: str, shown: list[PolicyValue]) -> Figure:
    data: list[Spec] = [
        {"candidate": one.candidate, "value": one.difference, "low": one.difference_low_anytime,
         "high": one.difference_high_anytime, "verdict": verdict_of(one), "pages": one.count}
        for one in shown if one.difference is not None
    ]  # fmt: skip
    worth = [one.candidate for one in shown if one.is_worth_testing]
    spec = _intervals(data, "less the incumbent", UNITS.get(yardstick, "share of the exposures"))
    zero = {"data": {"values": [{"at": 0}]}, "mark": {"type": "rule", "strokeDash": [6, 3]},
            "encoding": {"x": {"field": "at", "type": "quantitative"}}}  # fmt: skip
    return Figure(
        name="differences",
        title="Less the incumbent, on the same pages",
        note="Lines are intervals that hold at any time and for all candidates together; dashed is no difference.",
        summary=f"Worth an A/B test: {', '.join(worth) if worth else 'none yet'}.",
        spec={**spec, "layer": [*spec["layer"], zero]},
        height_px=_height_px(data),
        table=Table(
            caption="Differences from the incumbent; the intervals hold at any time and for all candidates together",
            columns=("candidate", "difference", "at any time", "verdict"),
            rows=tuple(
                (one.candidate, f"{one.difference:+.4f}",
                 _interval(one.difference_low_anytime, one.difference_high_anytime, "+.4f"), verdict_of(one))
                for one in shown if one.difference is not None
            ),
            numeric=False,
        ),
    )  # fmt: skip


def _interval(low: float | None, high: float | None, form: str) -> str:
    return "not yet" if low is None or high is None else f"{low:{form}} to {high:{form}}"


def _height_px(data: list[Spec]) -> int:
    return 28 * max(len(data), 1) + 70


def _intervals(data: list[Spec], title: str, unit: str) -> Spec:
    x: Spec = {
        "type": "quantitative",
        "title": f"{title} ({unit})",
        "scale": {"zero": False, "padding": 14},
        "axis": {"tickCount": 6},
    }
    row: Spec = {
        "y": {"field": "candidate", "type": "nominal", "title": None, "axis": {"labelLimit": 240},
              "sort": [one["candidate"] for one in data]},
        "tooltip": [{"field": "candidate"}, {"field": "verdict"},
                    *({"field": name, "format": ".4f"} for name in ("value", "low", "high"))],
    }  # fmt: skip
    known = [one for one in data if one["low"] is not None and one["high"] is not None]
    return spec_of(
        data,
        _height_px(data),
        layer=[
            *([{"data": {"values": known}, "mark": {"type": "rule", "strokeWidth": 2},
                "encoding": {**row, "x": {"field": "low", **x}, "x2": {"field": "high"}}}] if known else []),
            {"mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
             "encoding": {**row, "x": {"field": "value", **x}}},
        ],
    )  # fmt: skip
