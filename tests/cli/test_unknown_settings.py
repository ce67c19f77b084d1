"""A name that sets nothing is refused with the nearest that does: in the environment and in a file."""

from pathlib import Path

import pytest

from streams.configuration_error import ConfigurationError
from streams.known_settings import names_of
from streams.settings import Settings, load

VARIABLES = {
    "SHELFWISE_RANKIN__EPSILON": "SHELFWISE_RANKING__EPSILON",
    "SHELFWISE_RANKING_EPSILON": "SHELFWISE_RANKING__EPSILON",
    "SHELFWISE_RANKING__EPSILONN": "SHELFWISE_RANKING__EPSILON",
    "SHELFWISE_BROKERS": "SHELFWISE_BROKER",
    "shelfwise_grup": "SHELFWISE_GROUP",
    "SHELFWISE_COCLUSTER__RING": "SHELFWISE_COCLUSTERS__RING",
    "SHELFWISE_RANKING__SURFACES__SEARCH__REWRAD": "SHELFWISE_RANKING__SURFACES__SEARCH__REWARD",
}


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_variable_that_sets_nothing(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "1")
    with pytest.raises(ConfigurationError, match=f"{variable}; the nearest is {VARIABLES[variable]}$"):
        load()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SHELFWISE_RANKING__EPSILON", "0.2"),
        ("SHELFWISE_RANKING__SURFACES__SEARCH__REWARD", "static"),
        ("SHELFWISE_RANKING", '{"epsilon": 0.2}'),
        ("SHELFWISE_KAFKA_JARS", "/jars"),
        ("SHELFWISE_SERVICE_HOST", "10.0.0.1"),
        ("SHELFWISE_WORKER_PORT_9102_TCP_ADDR", "10.0.0.1"),
        ("SHELFWISE_PORT", "tcp://10.0.0.1:80"),
    ],
)
def test_what_is_known_or_somebody_elses_is_taken(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)
    load()


@pytest.mark.parametrize("name", [name for name in names_of(Settings) if "*" not in name])
def test_every_setting_is_known_by_its_variable(name: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be refused for its value, not for its name."""
    monkeypatch.setenv("SHELFWISE_" + "__".join(name).upper(), "{}")
    try:
        load()
    except ConfigurationError as error:
        said = str(error)
    else:
        said = ""
    assert "no setting is named" not in said


FILES = {
    "[rankin]\nepsilon = 0.1": "rankin; the nearest is ranking",
    "[ranking]\nepsilom = 0.1": "ranking.epsilom; the nearest is ranking.epsilon",
    "[ranking.surfaces.search]\nrewrad = 'static'": "ranking.surfaces.search.rewrad; the nearest is "
    "ranking.surfaces.search.reward",
    "page_partition = 3": "page_partition; the nearest is page_partitions",
    "zzz = 3": "zzz; `shelfwise config show` prints all",
}


@pytest.mark.parametrize("text", FILES)
def test_a_key_that_sets_nothing(text: str, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as raised:
        load(file)
    assert str(raised.value).endswith(FILES[text])
    assert str(file) in str(raised.value)


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("\ufeffseed = 7\n")
    assert load(file).seed == 7


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_what_is_no_number_is_refused(number: str, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    for name in ("freshness", "epsilon", "own_weight"):
        file.write_text(f"[ranking]\n{name} = {number}\n")
        with pytest.raises(ConfigurationError):
            load(file)
