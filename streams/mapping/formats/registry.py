"""The schema registry, through Confluent's client: schemas by number, cached, with patience if it is down.

A record whose schema the registry does not know is a bad record. A registry that does not answer is not the record's
fault: the job fails, and a worker that is restarted goes on where it was.
"""

import time
from collections.abc import Callable
from typing import Any, TypeVar

from msgspec import Struct

from schemas.codec import UnreadableError
from streams.configuration_error import ConfigurationError

PATIENCE_S = 30.0
_BAD_REQUEST, _NOT_FOUND, _FAILED = 400, 404, 500
_T = TypeVar("_T")


class RegistryError(Exception):
    """The registry does not answer, or refuses us; the message says what to do."""


class RegistryAccess(Struct, frozen=True, kw_only=True):
    """Address and credentials of a registry."""

    url: str | None = None
    username: str | None = None
    password: str = ""
    ca_file: str | None = None


class Registry:
    """Schemas by number or id."""

    def __init__(self, access: RegistryAccess) -> None:
        if access.url is None:
            raise ConfigurationError(
                "avro and protobuf need a schema registry: set registry_url, such as http://registry:8081"
            )
        try:
            from confluent_kafka.schema_registry import SchemaRegistryClient
        except ImportError as error:
            raise ConfigurationError(
                "avro and protobuf need libraries that are not installed: pip install 'shelfwise[formats]'"
            ) from error
        options: dict[str, Any] = {"url": access.url, "max.retries": 0, "timeout": 10}  # patience is ours
        if access.username is not None:
            options["basic.auth.user.info"] = f"{access.username}:{access.password}"
        if access.ca_file is not None:
            options["ssl.ca.location"] = access.ca_file
        try:
            self._client = SchemaRegistryClient(options)
        except (OSError, TypeError, ValueError) as error:
            raise ConfigurationError(f"registry_url or its security is wrong: {error}") from error
        self._url = access.url

    def schema(self, key: int | str, form: str | None = None) -> Any:
        """The schema of this number or id; raises `UnreadableError` if there is none, `RegistryError`."""

        def get(fmt: str | None) -> Any:
            if isinstance(key, int):
                return self._client.get_schema(key, fmt=fmt)
            return self._client.get_schema_by_guid(key, fmt=fmt)

        return self._asked(lambda: _in_form(form, get), f"schema {key}")

    def reference(self, subject: str, version: int, form: str | None = None) -> Any:
        """The schema that another one refers to."""
        get = self._client.get_version
        asked = self._asked(
            lambda: _in_form(form, lambda fmt: get(subject, version, fmt=fmt)), f"version {version} of {subject}"
        )
        return asked.schema

    def _asked(self, ask: Callable[[], _T], what: str) -> _T:
        from confluent_kafka.schema_registry.error import SchemaRegistryError

        deadline_s = time.monotonic() + PATIENCE_S
        while True:
            try:
                return ask()
            except SchemaRegistryError as error:
                if error.http_status_code == _NOT_FOUND:
                    raise UnreadableError("undecodable", f"the registry does not know {what}") from error
                if error.http_status_code < _FAILED:
                    raise RegistryError(
                        f"the schema registry {self._url} refuses {what} ({error}): correct registry_username and"
                        " registry_password, or its rights"
                    ) from error
                self._refuse_if_over(deadline_s, error)
            except Exception as error:  # noqa: BLE001  the client's HTTP library has its own exceptions
                self._refuse_if_over(deadline_s, error)
            time.sleep(0.5)

    def _refuse_if_over(self, deadline_s: float, error: Exception) -> None:
        if time.monotonic() >= deadline_s:
            raise RegistryError(
                f"the schema registry {self._url} does not answer ({error!r:.200}): start it, or correct registry_url"
            ) from error


def _in_form(form: str | None, ask: Callable[[str | None], _T]) -> _T:
    """Ask for a form of a schema, and for the schema as it was registered if the registry cannot give this form.

    Apicurio answers with 400 or 500 where the schema of a Protobuf message was registered as a descriptor.
    """
    from confluent_kafka.schema_registry.error import SchemaRegistryError

    try:
        return ask(form)
    except SchemaRegistryError as error:
        if form is None or _BAD_REQUEST < error.http_status_code < _FAILED:
            raise
        return ask(None)
