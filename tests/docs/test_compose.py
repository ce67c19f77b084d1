"""What `docker/` says agrees with settings, topics, metrics and itself; running it needs Docker, this does not."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from schemas.topics import TOPICS
from streams.harness.artifacts import pinned_digests
from streams.observing.health_server import HealthServer
from streams.observing.pulse import Pulse
from streams.observing.reporting import registry_of, unready
from streams.settings import Settings, load
from tests.docs.documents import ROOT, parse

DOCKER = ROOT / "docker"
OPTION = re.compile(r"\$\{(\w+):?-([^}]*)\}")


def environment_file(name: str) -> dict[str, str]:
    lines = (DOCKER / name).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def compose(**environment: str) -> Any:
    """The compose file as the engine sees it in this environment."""
    text = OPTION.sub(lambda it: environment.get(it[1], it[2]), (DOCKER / "compose.yaml").read_text())
    return yaml.safe_load(text)


SERVICES = compose()["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("shelfwise:")}
ENVIRONMENTS = {"one node": {}, "cluster": environment_file("cluster.env")}


@pytest.mark.parametrize("name", OURS)
def test_the_environment_of_a_service_is_valid_settings(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in OURS[name]["environment"].items():
        setting = variable.removeprefix("SHELFWISE_").split("__")[0].lower()
        assert setting in Settings.model_fields, f"{variable} is no setting"
        monkeypatch.setenv(variable, str(value))
    load()


@pytest.mark.parametrize("name", OURS)
def test_a_service_runs_a_command_that_exists(name: str) -> None:
    parse(["shelfwise", *OURS[name]["command"]])


@pytest.mark.parametrize("environment", ENVIRONMENTS.values(), ids=list(ENVIRONMENTS))
def test_brokers_voters_copies_and_listeners_agree(environment: dict[str, str]) -> None:
    services = compose(**environment)["services"]
    is_cluster = environment.get("COMPOSE_PROFILES") == "cluster"
    nodes = {
        name: service["environment"]
        for name, service in services.items()
        if name.startswith("kafka-") and ("profiles" not in service or is_cluster)
    }
    assert len(nodes) == (3 if is_cluster else 1)
    for number, (name, node) in enumerate(nodes.items(), start=1):
        assert node["KAFKA_NODE_ID"] == str(number)
        assert node["KAFKA_CONTROLLER_QUORUM_VOTERS"].split(",") == [
            f"{it['KAFKA_NODE_ID']}@{other}:9093" for other, it in nodes.items()
        ]
        inside, host = node["KAFKA_ADVERTISED_LISTENERS"].split(",")
        assert inside == f"INSIDE://{name}:19092"
        [published] = services[name]["ports"]
        address, port, container_port = published.split(":")
        assert host == f"HOST://localhost:{port}", "the host is told the port that is published"
        assert address == "127.0.0.1", "nothing listens beyond loopback"
        assert f"HOST://:{container_port}" in node["KAFKA_LISTENERS"].split(",")
        assert int(node["KAFKA_DEFAULT_REPLICATION_FACTOR"]) == len(nodes)
        assert int(node["KAFKA_MIN_INSYNC_REPLICAS"]) == max(1, len(nodes) - 1)
    for name in OURS:
        ours = services[name]["environment"]
        assert ours["SHELFWISE_BROKER"].split(",") == [f"{node}:19092" for node in nodes]
        assert int(ours["SHELFWISE_REPLICATION_FACTOR"]) == len(nodes)


def test_a_message_that_a_topic_takes_fits_through_the_brokers() -> None:
    for topic in TOPICS.values():
        assert int(topic.config().get("max.message.bytes", 0)) < 100 * 1_048_576, "socket.request.max.bytes' default"


def test_images_are_pinned_and_kafka_is_the_version_that_is_tested() -> None:
    version, _ = pinned_digests()
    assert {it["image"] for name, it in SERVICES.items() if name.startswith("kafka-")} == {f"apache/kafka:{version}"}
    bases = re.findall(r"^FROM (\S+)", (DOCKER / "Dockerfile").read_text(), re.MULTILINE)
    assert len(set(bases)) == 1
    for image in [*bases, *(service["image"] for service in SERVICES.values())]:
        assert re.search(r":v?\d+\.\d+\.\d+", image), f"{image} may be another one tomorrow"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {service["image"] for service in OURS.values()} == {f"shelfwise:{project['version']}"}


def last_stage() -> str:
    dockerfile = (DOCKER / "Dockerfile").read_text()
    return dockerfile[dockerfile.rindex("FROM ") :]


def test_the_image_runs_as_nobody_special_and_keeps_its_machine_code_in_a_volume() -> None:
    last = last_stage()
    assert re.search(r"^USER shelfwise$", last, re.MULTILINE)
    [folder] = re.findall(r"NUMBA_CACHE_DIR=(\S+)", last)
    assert re.findall(r"^VOLUME (\S+)$", last, re.MULTILINE) == [folder]
    assert f"--owner=shelfwise --group=shelfwise {folder}" in last, "a volume is made with the owner of its folder"
    assert SERVICES["worker"]["volumes"] == [f"compiled:{folder}"]


@pytest.mark.parametrize(("is_ready", "status"), [(False, 1), (True, 0)])
def test_the_health_check_of_the_image_is_that_of_a_worker(is_ready: bool, status: int) -> None:
    """The very words of the image, but for the port, ask a server that is, or is not, ready."""
    [words] = re.findall(r"^    CMD (\[.*\])$", last_stage(), re.MULTILINE)
    [port] = re.findall(r"SHELFWISE_METRICS_PORT=(\d+)", last_stage())
    assert SERVICES["worker"]["environment"]["SHELFWISE_METRICS_PORT"] == port
    readiness = unready()
    if is_ready:
        for stage in readiness.stages:
            readiness.finish(stage.name)
    with HealthServer("127.0.0.1", 0, registry_of(readiness)[0], Pulse(), readiness) as server:
        command = [word.replace(port, str(server.port)) for word in json.loads(words)]
        done = subprocess.run([sys.executable, *command[1:]], capture_output=True, text=True, check=False, timeout=180)
    assert done.returncode == status, done.stderr
    assert done.stdout.startswith("ready" if is_ready else "machine code")


def test_compose_shows_learning_within_a_minute_unless_told_otherwise() -> None:
    for environment, horizon_ms in (({}, 20_000), ({"SHELFWISE_PROFILE": "standard"}, 1_800_000)):
        for name in OURS:
            profile = compose(**environment)["services"][name]["environment"]["SHELFWISE_PROFILE"]
            assert load(flags={"profile": profile}).settlement.horizon_ms == horizon_ms


def test_what_the_image_is_built_from_exists_and_is_let_through() -> None:
    allowed = {line[1:] for line in (DOCKER / "Dockerfile.dockerignore").read_text().splitlines() if line[0] == "!"}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (DOCKER / "Dockerfile").read_text(), re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    assert names == allowed
    assert all((ROOT / name).exists() for name in names)


def test_what_runs_in_the_image_is_pinned_as_what_is_tested() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^[\w.-]+==\S+", (ROOT / name).read_text(), re.MULTILINE))

    assert pins("requirements-run.txt") < pins("requirements.txt")


def exposed() -> set[str]:
    """The samples that a worker can expose, histograms' and counters' with their suffixes."""
    suffixes = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
    families = registry_of(unready())[0].collect()
    return {family.name + suffix for family in families for suffix in suffixes[family.type]}


DASHBOARDS = sorted((DOCKER / "grafana" / "dashboards").glob("*.json"))
RULES = yaml.safe_load((DOCKER / "alerts.yaml").read_text())["groups"][0]["rules"]
PANELS = {
    f"{path.stem}: {panel['title']}: {target['refId']}": target["expr"]
    for path in DASHBOARDS
    for panel in json.loads(path.read_text())["panels"]
    for target in panel["targets"]
}
EXPRESSIONS = {**PANELS, **{rule["alert"]: rule["expr"] for rule in RULES}}
FUNCTIONS = {"count", "histogram_quantile", "increase", "max", "min", "rate", "sum", "vector"}
WORDS = {"or", "unless", "offset", "by"}


def metrics_in(expression: str) -> set[str]:
    """The metrics that an expression of PromQL names.

    >>> sorted(metrics_in('sum by (task) (rate(a_total{task="b"}[1m])) > 0 or vector(0) unless c offset 10m'))
    ['a_total', 'c']
    """
    bare = re.sub(r"\{[^}]*\}|\[\w+\]|by \([^)]*\)", "", expression)
    return set(re.findall(r"\b[a-z_]\w*", bare)) - FUNCTIONS - WORDS


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_a_panel_or_rule_asks_for_metrics_that_exist(name: str) -> None:
    asked = metrics_in(EXPRESSIONS[name])
    assert asked
    assert asked <= exposed() | {"up"}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_expression_asks_for_labels_that_exist(name: str) -> None:
    inside = re.findall(r"by \(([^)]*)\)|\{([^}]*)\}", EXPRESSIONS[name])
    labels = {label for by, matched in inside for label in re.findall(r"\w+(?==)", matched) + re.findall(r"\w+", by)}
    assert labels <= {"task", "partition", "topic", "reason", "what", "stage", "le", "instance", "job"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert {"summary", "what_to_do"} == set(rule["annotations"])
    for command in re.findall(r"`(shelfwise [^`]+)`", rule["annotations"]["what_to_do"]):
        parse(command.split())


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.name)
def test_panels_do_not_cover_each_other(path: Path) -> None:
    cells: set[tuple[int, int]] = set()
    panels = json.loads(path.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        x, y, width, height = (panel["gridPos"][name] for name in "xywh")
        mine = {(column, row) for column in range(x, x + width) for row in range(y, y + height)}
        assert not mine & cells
        assert x + width <= 24
        cells |= mine


def test_prometheus_and_grafana_find_what_they_look_for() -> None:
    prometheus = yaml.safe_load((DOCKER / "prometheus.yaml").read_text())
    [job] = prometheus["scrape_configs"]
    assert f"./alerts.yaml:{prometheus['rule_files'][0]}:ro" in SERVICES["prometheus"]["volumes"]
    [found] = job["dns_sd_configs"]
    assert found["names"] == ["worker"]
    assert str(found["port"]) == SERVICES["worker"]["environment"]["SHELFWISE_METRICS_PORT"]
    provisioning = DOCKER / "grafana" / "provisioning"
    [source] = yaml.safe_load((provisioning / "datasources" / "prometheus.yaml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"
    [provider] = yaml.safe_load((provisioning / "dashboards" / "shelfwise.yaml").read_text())["providers"]
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in SERVICES["grafana"]["volumes"]
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source_path = volume.split(":")[0]
            assert not source_path.startswith("./") or (DOCKER / source_path).exists()
