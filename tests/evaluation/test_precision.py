"""`bench precision`: what each reward retrieves over the 30-s rule, and by which groups items are best chosen."""

from pathlib import Path

import numpy as np
import pytest

from processors.evaluation.ranked_retrieval import precision_and_recall
from streams.benchmarks.evaluation.bench_precision import PrecisionBench, bench_precision, precision_of_items

REWARDS = ("static", "mean", "mean:none")


def test_by_satisfaction_co_clusters_retrieve_more_and_by_30_s_less() -> None:
    heard: list[str] = []
    bench = PrecisionBench(worlds=("W5",), impressions=50_000, seeds=2, rewards=REWARDS)
    found = bench_precision(bench, heard.append)
    assert heard == ["W5: 2 worlds"]
    satisfied, streamed = found["W5 ysat"], found["W5 y30"]
    assert next(iter(satisfied)) == "static (itself)"
    for key in ("precision@1", "precision@3", "recall@3"):
        assert satisfied["mean"][key] > 1.2 > satisfied["mean:none"][key]
        assert streamed["mean"][key] < 1.0
        assert streamed["uniform"][key] < 0.8


def test_precision_and_recall_are_those_of_drawn_relevance() -> None:
    rng = np.random.default_rng(1)
    relevance = rng.random((50, 12)) * 0.5
    shown = np.argsort(-relevance, axis=1)[:, :5]
    found = precision_and_recall(relevance, shown, (1, 5))
    drawn = rng.random((4_000, 50, 12)) < relevance
    hits = np.take_along_axis(drawn, np.broadcast_to(shown, (4_000, *shown.shape)), axis=2)
    assert found["precision@5"] == pytest.approx(hits.mean(), abs=0.003)
    assert found["recall@5"] == pytest.approx((hits.sum(axis=(0, 2)) / drawn.sum(axis=(0, 2))).mean(), abs=0.005)


def test_items_that_one_kind_of_listener_likes_are_found_by_its_feature(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    lines = [
        "timestamp,item_id,position,click,propensity_score,user_feature_0,user_feature_1,user_feature_2,user_feature_3"
    ]
    for _ in range(8_000):
        item, kind, noise = int(rng.integers(10)), int(rng.integers(2)), int(rng.integers(3))
        click = int(rng.random() < (0.4 if item == 3 * kind else 0.02))
        lines.append(f"2019-11-24 00:00:00+00:00,{item},1,{click},0.1,k{kind},n{noise},x,x")
    log = tmp_path / "random.csv"
    log.write_text("\n".join(lines) + "\n")
    found = precision_of_items(log, seed=1)
    assert found["listeners by feature 0"]["precision@1"] > 1.4 * found["none"]["precision@1"]
    assert found["listeners by feature 2"]["precision@1"] == pytest.approx(found["none"]["precision@1"])
    assert found["none"]["low@1"] > 1.0
