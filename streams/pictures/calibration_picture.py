"""Whether scores come true: expected reward against the settled one, by tenths of the exposures, with intervals."""

from collections.abc import Iterable, Sequence
from math import sqrt

from schemas.monitoring import CalibratedTenth, EngagementMetrics
from streams.pictures import words
from streams.pictures.figures import Figure, Spec, Table, spec_of

NORMAL_95 = 1.96
TOTAL = "all"


def newest_calibration(metrics: Iterable[EngagementMetrics]) -> EngagementMetrics | None:
    """The newest bucket of all variants together that has a calibration."""
    told = [bucket for bucket in metrics if bucket.variant == TOTAL and bucket.calibration]
    return max(told, key=lambda bucket: bucket.bucket_ms, default=None)


def calibration_picture(tenths: Sequence[CalibratedTenth]) -> Figure:
    """A point for each tenth of the newest exposures; on the diagonal expectations come true."""
    rows: list[Spec] = [
        {"expected": one.expected, "realised": one.realised, "exposures": round(one.exposures),
         "low": max(0.0, one.realised - NORMAL_95 * one.standard_error),
         "high": min(1.0, one.realised + NORMAL_95 * one.standard_error)}
        for one in tenths
    ]  # fmt: skip
    end = 1.08 * max([*(row["high"] for row in rows), *(row["expected"] for row in rows), 0.01])
    total = sum(one.exposures for one in tenths)
    error = sum(one.exposures * abs(one.expected - one.realised) for one in tenths) / max(total, 1.0)
    height_px = 420
    return Figure(
        name="calibration",
        title="Do expectations come true?",
        note="Mean expected reward of the exposures against the mean settled one, by tenths of the expectation; "
        "lines are 95% intervals, on the dashed diagonal both agree.",
        summary=f"{len(rows)} groups of {words.count(total)} exposures; mean distance from the diagonal {error:.3f}.",
        spec=spec_of(rows, height_px, layer=_layers(end)),
        height_px=height_px,
        file_width_px=height_px,
        shows_table=True,
        table=Table(
            caption="About a tenth of the newest exposures each, by rising expectation",
            columns=("exposures", "expected", "settled", "95% interval", "off by"),
            rows=tuple(
                (words.count(row["exposures"]), f"{row['expected']:.4f}", f"{row['realised']:.4f}",
                 f"{row['low']:.4f} to {row['high']:.4f}", f"{row['realised'] - row['expected']:+.4f}")
                for row in rows
            ),
        ),
    )  # fmt: skip


def chi_square(tenths: Sequence[CalibratedTenth]) -> float:
    """Root mean square of the distances in standard errors: about one if expectations come true.

    >>> chi_square([CalibratedTenth(exposures=9.0, expected=0.1, realised=0.3, standard_error=0.1)])
    2.0
    """
    squares = [((one.realised - one.expected) / one.standard_error) ** 2 for one in tenths if one.standard_error > 0.0]
    return round(sqrt(sum(squares) / len(squares)), 6) if squares else 0.0


def _layers(end: float) -> list[Spec]:
    scale = {"domain": [0, end], "nice": False}
    ticks = {"tickCount": 6}
    x = {"field": "expected", "type": "quantitative", "title": "expected reward", "scale": scale, "axis": ticks}
    y = {"field": "realised", "type": "quantitative", "title": "settled reward", "scale": scale, "axis": ticks}
    tip = [{"field": name, "format": ".4f"} for name in ("expected", "realised", "low", "high")]
    return [
        {"data": {"values": [{"expected": 0, "realised": 0}, {"expected": end, "realised": end}]},
         "mark": {"type": "line", "strokeDash": [6, 3], "strokeWidth": 1, "color": "#888888"},
         "encoding": {"x": x, "y": y}},
        {"mark": {"type": "rule", "strokeWidth": 2},
         "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}}},
        {"mark": {"type": "point", "filled": True, "size": 80, "opacity": 1},
         "encoding": {"x": x, "y": y, "tooltip": [{"field": "exposures", "format": ","}, *tip]}},
    ]  # fmt: skip
