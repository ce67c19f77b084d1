"""Reference of Prometheus metrics and alerts, from the registry of a worker and the rules in `docker/`."""

import re
from collections.abc import Iterator
from pathlib import Path

from streams.documentation.markdown_tables import code, page, table
from streams.observing.reporting import registry_of, unready

ABOUT = """\
`shelfwise worker --metrics-port 9400` serves these at `/metrics`, beside `/livez` (the main loop turns) and `/readyz`
(compiled, member of its group, restored, caught up; what is missing is listed, one condition a line). Counters end in
`_total`. Dashboards of them are in `docker/grafana`, the rules below in `docker/alerts.yaml`."""
OWN = "shelfwise_"


def metrics_page(root: Path) -> str:
    """The page of all metrics that a worker has of its own, and of all alerts."""
    rows = [[code(name), kind, ", ".join(map(code, labels)), about] for name, kind, labels, about in own_metrics()]
    parts = [
        "## Metrics", table(["metric", "type", "labels", "meaning"], rows), "## Alerts",
        table(["alert", "severity", "after", "what it says", "what to do"], _alerts(root)),
    ]  # fmt: skip
    return page("Metrics and alerts", ABOUT, parts)


def own_metrics() -> Iterator[tuple[str, str, tuple[str, ...], str]]:
    """Name, type, labels and meaning of each metric, as Prometheus sees it.

    >>> [name for name, *_ in own_metrics()][:2]
    ['shelfwise_records_total', 'shelfwise_batch_seconds']
    """
    registry, _ = registry_of(unready())
    named = {getattr(one, "_name", None): one for one in registry._collector_to_names}  # noqa: SLF001  no other way
    for family in registry.collect():
        if family.name.startswith(OWN):
            suffix = "_total" if family.type == "counter" else ""
            found = (getattr(one, "_labelnames", None) for one in (named.get(family.name), family))
            labels = next((one for one in found if one is not None), ())
            yield family.name + suffix, family.type, tuple(labels), family.documentation


def _alerts(root: Path) -> Iterator[list[str]]:
    import yaml

    for rule in yaml.safe_load((root / "docker" / "alerts.yaml").read_text())["groups"][0]["rules"]:
        said = rule["annotations"]
        words = re.sub(r"{{.*?}}", "…", said["summary"])  # Prometheus puts values there
        yield [code(rule["alert"]), rule["labels"]["severity"], rule.get("for", "at once"), words, said["what_to_do"]]
