"""All settings as one frozen object: flags over environment over file, read once, at the edge."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import is_dataclass
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, Literal, get_origin, get_type_hints

import msgspec
from msgspec.inspect import is_struct_type
from pydantic import BeforeValidator, Field, PlainSerializer, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from processors.cards import CARDS_MAX
from processors.cocluster.online.settings import LearnerSettings
from processors.drift.settings import DriftSettings
from processors.leaderboard.leaderboard_settings import LeaderboardSettings
from processors.listeners_settings import ListenersSettings
from processors.metrics.metrics_settings import MetricsSettings
from processors.ranking.ranking_settings import RankingSettings
from processors.rewards.reward_catalogue import COMPARED, REWARD_NAMES
from processors.settlement.settings import SettlementSettings
from streams.configuration_error import ConfigurationError
from streams.files.text import text_of
from streams.known_settings import names_of, refuse_unknown_keys, refuse_unknown_variables
from streams.mapping.mapping_settings import InputSettings
from streams.profiles import PROFILES, ProfileName
from streams.topic_settings import TopicSettings

__all__ = ["TASKS", "ConfigurationError", "Settings", "TaskName", "load"]

PREFIX = "SHELFWISE_"
TaskName = Literal["mapping", "listeners", "cards", "learner", "model", "leaderboard", "metrics"]
TASKS: tuple[TaskName, ...] = ("listeners", "cards", "learner", "model", "leaderboard", "metrics")
"""The tasks of every pipeline; `mapping` has work only where the settings have mappings."""


def _section(kind: type[Any]) -> BeforeValidator:
    def convert(value: Any) -> Any:
        if isinstance(value, kind):
            return value
        try:
            section = msgspec.convert(_with_lists(value, kind), kind, strict=False)
        except msgspec.ValidationError as error:
            raise ValueError(str(error)) from error
        for name, number in msgspec.to_builtins(section).items():
            if isinstance(number, float) and not isfinite(number):
                raise ValueError(f"{name} is {number}; it must be a number")
        return section

    return BeforeValidator(convert)


def _with_lists(section: Any, kind: type[Any]) -> Any:
    """A section as it comes from the environment, where a list is written with commas."""
    if not isinstance(section, dict):
        return section
    lists = {name for name, of in get_type_hints(kind).items() if get_origin(of) is tuple}
    given = {name: text for name, text in section.items() if name in lists and isinstance(text, str)}
    return section | {name: [part.strip() for part in text.split(",")] for name, text in given.items()}


_AS_DICT = PlainSerializer(msgspec.to_builtins)

Settlement = Annotated[SettlementSettings, _section(SettlementSettings), _AS_DICT]
Ranking = Annotated[RankingSettings, _section(RankingSettings), _AS_DICT]
Drift = Annotated[DriftSettings, _section(DriftSettings), _AS_DICT]
Leaderboard = Annotated[LeaderboardSettings, _section(LeaderboardSettings), _AS_DICT]
Metrics = Annotated[MetricsSettings, _section(MetricsSettings), _AS_DICT]
Names = Annotated[TopicSettings, _section(TopicSettings), _AS_DICT]
Input = Annotated[InputSettings, _section(InputSettings), _AS_DICT]
CoClustering = Annotated[LearnerSettings, _section(LearnerSettings), _AS_DICT]


class _Environment(EnvSettingsSource):
    """The environment, where a field of a section is a variable: `SHELFWISE_RANKING__EPSILON`."""

    def field_is_complex(self, field: FieldInfo) -> bool:
        """Tell pydantic that sections, which are not pydantic models, have fields."""
        return is_struct_type(field.annotation) or is_dataclass(field.annotation) or super().field_is_complex(field)


class Settings(BaseSettings):
    """All settings. Environment: `SHELFWISE_GROUP=...`, sections `SHELFWISE_RANKING__EPSILON=...`.

    >>> Settings(group="home").ranking.policy
    'epsilon-greedy'
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
    )

    profile: ProfileName = Field("standard", description="defaults; quick: learning shows within a minute")
    broker: str | None = Field(None, description="bootstrap servers; none starts an embedded broker")
    group: str = Field("shelfwise", min_length=1, description="consumer group, and prefix of transactional ids")
    client_id: str = Field("shelfwise", min_length=1, description="name of our clients in the brokers' logs")
    group_instance_id: str | None = Field(None, description="id of a static member, which survives restarts")
    tasks: tuple[TaskName, ...] = Field(("mapping", *TASKS), description="tasks that this worker takes part in")
    page_partitions: int = Field(4, ge=1, le=1_000, description="partitions of the topics keyed by user or card")
    replication_factor: int = Field(1, ge=1, le=10, description="copies of the topics that `topics apply` creates")
    rewards: tuple[str, ...] = Field(COMPARED, description="rewards to keep statistics of; `all` for every one")
    reward_half_life_ms: int = Field(0, ge=0, description="half-life of outcomes in event time; 0 for none")
    reward_weight_max: float = Field(
        0.0, ge=0.0, description="outcomes are weighted by inverse propensities up to this; 0: all alike"
    )
    cards_max: int = Field(
        CARDS_MAX, ge=16, description="maximum cards with statistics in a partition; the oldest are evicted"
    )
    sample_share: float = Field(1.0, gt=0.0, le=1.0, description="share of users that the co-clusters learn from")
    catching_up_ms: int = Field(10_000, ge=0, description="minimum interval of a listener's pages while behind the log")
    seed: int = Field(0, ge=0, lt=2**63, description="seed of all random draws")
    commit_interval_ms: int = Field(150, ge=10, le=60_000, description="interval of transactions without a backlog")
    learning_interval_ms: int = Field(
        500, ge=0, le=60_000, description="minimum interval of transactions for which no listener waits"
    )
    commit_behind_ms: int = Field(
        1_000,
        ge=10,
        le=60_000,
        description="commit interval while events are older than this, and maximum interval while commits are slow",
    )
    transaction_timeout_ms: int = Field(60_000, ge=1_000, description="after which a broker aborts a transaction")
    session_timeout_ms: int = Field(
        10_000, ge=1_500, description="time without heartbeats after which a worker is evicted"
    )
    start_deadline_ms: int | None = Field(30_000, description="how long to look for a broker at start; none for ever")
    publish_interval_ms: int = Field(1_000, ge=100, description="minimum interval between publications of co-clusters")
    metrics_port: int = Field(0, ge=0, le=65_535, description="port of /metrics, /livez and /readyz; 0 for none")
    metrics_host: str = Field("127.0.0.1", min_length=1, description="address of that port; loopback by default")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level that is logged")
    log_format: Literal["text", "json"] = Field("text", description="of the lines on standard error")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="TLS, authentication, both or none"
    )
    ssl_ca_file: str | None = Field(None, description="certificates of the brokers' authority; none: the system's")
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        None, description="how the name and the password are proven"
    )
    sasl_username: str | None = Field(None, description="user name for the brokers")
    sasl_password: SecretStr | None = Field(None, description="its password, never printed")
    registry_url: str | None = Field(None, description="schema registry of foreign records in Avro or Protobuf")
    registry_username: str | None = Field(None, description="user name for the registry")
    registry_password: SecretStr | None = Field(None, description="its password, never printed")
    registry_ca_file: str | None = Field(
        None, description="certificates of the registry's authority; none: the system's"
    )
    input: Input = Field(InputSettings(), description="mappings of foreign records, see docs/inputs.md")
    topics: Names = Field(TopicSettings(), description="a prefix for all topics, and names of single ones")
    settlement: Settlement = SettlementSettings()
    ranking: Ranking = RankingSettings()
    drift: Drift = DriftSettings()
    coclusters: CoClustering = LearnerSettings()
    leaderboard: Leaderboard = LeaderboardSettings()
    metrics: Metrics = MetricsSettings()

    @property
    def reward_names(self) -> tuple[str, ...]:
        """Names of the rewards to keep statistics of.

        >>> len(Settings(rewards=("all",)).reward_names) > len(Settings().reward_names)
        True
        """
        return REWARD_NAMES if self.rewards == ("all",) else self.rewards

    @property
    def listeners(self) -> ListenersSettings:
        """Settings of the listeners task."""
        return ListenersSettings(
            settlement=self.settlement,
            ranking=msgspec.structs.replace(self.ranking, seed=self.seed),
            rewards=self.reward_names,
            bucket_length_ms=self.drift.bucket_length_ms,
            sample_share=self.sample_share,
            catching_up_ms=self.catching_up_ms,
            leaderboard=self.leaderboard,
            metrics=self.metrics,
        )

    def secrets(self) -> list[str]:
        """The passwords, which must never be printed."""
        return [value.get_secret_value() for _, value in self if isinstance(value, SecretStr)]

    def masked(self) -> dict[str, Any]:
        """All settings as plain values, secrets as asterisks.

        >>> Settings(sasl_password="hunter2").masked()["sasl_password"]
        '**********'
        """
        shown: dict[str, Any] = self.model_dump(mode="json")
        return shown


def load(file: Path | None = None, flags: Mapping[str, Any] | None = None) -> Settings:
    """Load settings from a profile, a TOML file, the environment and flags (None: not given); later ones override.

    Raises `ConfigurationError` with one line that names the setting.
    """
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    try:
        from_file = tomllib.loads(text_of(file)) if file else {}
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{file} is not valid TOML: {error}") from error
    names = names_of(Settings)
    refuse_unknown_variables(names, os.environ, PREFIX)
    refuse_unknown_keys(names, from_file, str(file))
    try:
        settings = _grouped(_layered(from_file)(**given))
        _check_names(settings)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "settings"
        raise ConfigurationError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from error
    except (ValueError, SettingsError) as error:
        raise ConfigurationError(str(error)) from error
    return settings


def _layered(from_file: dict[str, Any]) -> type[Settings]:
    """Settings from flags, the environment, these values of a file and a profile; sections merge field by field."""

    class Layered(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,  # noqa: ARG003  pydantic's signature
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            """The sources in order of precedence."""
            given = init_settings, _Environment(settings_cls), InitSettingsSource(settings_cls, from_file)
            named = next((name for source in given if (name := source().get("profile"))), "")
            profile = PROFILES.get(str(named), {})  # an unknown profile is refused as a value
            return *given, InitSettingsSource(settings_cls, dict(profile))

    return Layered


def _grouped(settings: Settings) -> Settings:
    """With a prefix of topics, a group of its own by default: groups and transactional ids are shared by name, too."""
    if settings.topics.prefix and "group" not in settings.model_fields_set:
        return settings.model_copy(update={"group": settings.topics.prefix + settings.group})
    return settings


def _check_names(settings: Settings) -> None:
    """Refuse unknown policies and rewards before anything runs."""
    from processors.leaderboard.candidate import candidates_of
    from processors.policies.policy_catalogue import policy_named
    from processors.rewards.reward_catalogue import reward_named
    from streams.mapping.mapper import refuse_unless_compiles

    refuse_unless_compiles(settings.input)
    for task in settings.tasks:
        if settings.tasks.count(task) > 1:
            raise ValueError(f"tasks: {task} is named more than once")
    for name in settings.reward_names:
        reward_named(name)
    for ranking in settings.ranking.by_surface():
        policy_named(ranking.policy, ranking.knobs)
        if ranking.reward not in settings.reward_names:
            names = ", ".join(settings.reward_names)
            raise ValueError(
                f"ranking.reward: {ranking.surface} ranks by {ranking.reward!r}, which must be one of rewards, {names}"
            )
    try:
        candidates_of(settings.leaderboard, settings.ranking, settings.reward_names)
    except ValueError as error:
        raise ValueError(f"leaderboard.candidates: {error}") from error
