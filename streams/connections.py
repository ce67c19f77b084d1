"""Connection and security options for all clients, from settings."""

from typing import Any

from streams.exactly_once.driver_settings import DriverSettings
from streams.exactly_once.security import SecuritySettings
from streams.mapping.formats.registry import RegistryAccess
from streams.mapping.own_topics import sources
from streams.reading.topic_names import TopicNames
from streams.settings import ConfigurationError, Settings


def security_of(settings: Settings) -> SecuritySettings | None:
    """TLS and SASL, or None; raises `ConfigurationError` if they are incomplete."""
    if settings.security_protocol == "PLAINTEXT":
        return None
    password = settings.sasl_password
    try:
        return SecuritySettings(
            protocol=settings.security_protocol,
            mechanism=settings.sasl_mechanism,
            username=settings.sasl_username,
            password=password.get_secret_value() if password else None,
            ca_file=settings.ssl_ca_file,
        )
    except ValueError as error:
        raise ConfigurationError(f"security: {error}") from error


def registry_access(settings: Settings) -> RegistryAccess:
    """Address and credentials of the schema registry."""
    password = settings.registry_password
    return RegistryAccess(
        url=settings.registry_url,
        username=settings.registry_username,
        password=password.get_secret_value() if password else "",
        ca_file=settings.registry_ca_file,
    )


def driver_settings(settings: Settings, bootstrap: str) -> DriverSettings:
    """Settings of the exactly-once driver."""
    return DriverSettings(
        bootstrap=bootstrap,
        group=settings.group,
        client_id=settings.client_id,
        group_instance_id=settings.group_instance_id,
        security=security_of(settings),
        commit_interval_ms=settings.commit_interval_ms,
        commit_behind_ms=settings.commit_behind_ms,
        transaction_timeout_ms=settings.transaction_timeout_ms,
        session_timeout_ms=settings.session_timeout_ms,
        heartbeat_interval_ms=min(1_000, settings.session_timeout_ms // 3),
        start_deadline_ms=settings.start_deadline_ms,
    )


def subscriber_options(settings: Settings, bootstrap: str) -> dict[str, Any]:
    """Keyword arguments for subscribers without an event loop."""
    return {**kafka_python_options(settings, bootstrap), **_names_of(settings)}


def kafka_python_options(settings: Settings, bootstrap: str) -> dict[str, Any]:
    """Keyword arguments for kafka-python's clients."""
    options: dict[str, Any] = {"bootstrap_servers": bootstrap, "client_id": settings.client_id}
    security = security_of(settings)
    if security is not None:
        options["security_protocol"] = security.protocol
        options["ssl_cafile"] = security.ca_file
        if security.mechanism:
            options["sasl_mechanism"] = security.mechanism
            options["sasl_plain_username"] = security.username
            options["sasl_plain_password"] = security.password
    return options


def topic_names(settings: Settings) -> TopicNames:
    """The names of topics at the broker; those that are mapped are called as they are."""
    topics, foreign = settings.topics, frozenset(sources(settings.input).values())
    return TopicNames(prefix=topics.prefix, names=topics.names, foreign=foreign)


def aiokafka_options(settings: Settings, bootstrap: str) -> dict[str, Any]:
    """Keyword arguments for our clients by aiokafka."""
    return {**driver_settings(settings, bootstrap).client_options(), **_names_of(settings)}


def _names_of(settings: Settings) -> dict[str, Any]:
    names = topic_names(settings)
    return {} if names.is_plain else {"topic_names": names}
