"""A profile is a set of defaults: it lies below file, environment and flags."""

from pathlib import Path

import pytest

from streams.configuration_error import ConfigurationError
from streams.profiles import PROFILES, QUICK
from streams.settings import Settings, load


def test_quick_settles_within_a_minute_and_standard_is_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load().masked() == load(flags={"profile": "standard"}).masked() == Settings().masked()
    monkeypatch.setenv("SHELFWISE_PROFILE", "quick")
    settlement = load().settlement
    assert settlement.horizon_ms + settlement.lateness_ms < 60_000


def test_file_environment_and_flags_are_stronger_knob_by_knob(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('profile = "quick"\n[settlement]\nhorizon_ms = 40000\nidle_ms = 7\n')
    monkeypatch.setenv("SHELFWISE_SETTLEMENT__IDLE_MS", "9")
    settings = load(file, {"publish_interval_ms": 777})
    assert settings.profile == "quick"
    assert settings.settlement.horizon_ms == 40_000
    assert settings.settlement.idle_ms == 9
    assert settings.settlement.lateness_ms == QUICK["settlement"]["lateness_ms"]
    assert settings.publish_interval_ms == 777


def test_the_environment_names_another_profile_than_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('profile = "quick"\n')
    monkeypatch.setenv("SHELFWISE_PROFILE", "standard")
    assert load(file).masked() == Settings().masked()


def test_a_profile_that_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELFWISE_PROFILE", "swift")
    with pytest.raises(ConfigurationError, match=r"^profile: .*'standard' or 'quick'"):
        load()


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_is_valid_by_itself(name: str) -> None:
    load(flags={"profile": name})
