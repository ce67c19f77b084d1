"""Apache Kafka with TLS, SASL and the authorizer on; users who may do nothing until a test grants it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import pytest
from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
)

from streams.cli.main import run
from streams.harness.jars import JarsKafka
from streams.harness.secured_listener import SecuredListener
from streams.settings import Settings
from streams.topics.acls import Grant
from streams.topics.admin import ensure

LACKERS = tuple(f"lacker{number}" for number in range(6))
USERS = {
    name: f"{name}-hunter2" for name in ("worker", "client", "subscriber", "console", "operator", "grower", *LACKERS)
}
SETTINGS = Settings(page_partitions=2)


class Ended(NamedTuple):
    """A command that has ended."""

    returncode: int
    stdout: str
    stderr: str


Command = Callable[..., Ended]


@pytest.fixture(scope="session")
def kafka() -> Iterator[JarsKafka]:
    with JarsKafka(secured=SecuredListener(users=USERS)) as harness:
        ensure(SETTINGS, harness.bootstrap)
        yield harness


@pytest.fixture
def admin(kafka: JarsKafka) -> Iterator[Any]:
    """May do everything, by the listener without security; nobody else may do anything yet."""
    client = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    client.delete_acls([every_rule(None)])
    await_rules(client, None, lambda known: not known)
    yield client
    client.close()


@pytest.fixture
def allow(admin: Any) -> Callable[[str, Iterable[Grant]], None]:
    def grant(user: str, grants: Iterable[Grant]) -> None:
        rules = [rule for it in grants for rule in acls_of(user, it)]
        if rules:
            result = admin.create_acls(rules)
            assert len(result["succeeded"]) == len(rules), result
            await_rules(admin, f"User:{user}", lambda known: known >= set(rules))  # a broker learns of them later

    return grant


def every_rule(principal: str | None) -> ACLFilter:
    pattern = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
    return ACLFilter(principal, None, ACLOperation.ANY, ACLPermissionType.ANY, pattern)


def await_rules(admin: Any, principal: str | None, are_there: Callable[[set[ACL]], bool]) -> None:
    """Return when the broker knows these rules, by which it decides."""
    deadline_s = time.monotonic() + 30.0
    while not are_there(set(admin.describe_acls(every_rule(principal))[0])):
        assert time.monotonic() < deadline_s, "the broker does not learn of the rules"
        time.sleep(0.05)


def acls_of(user: str, grant: Grant) -> list[ACL]:
    pattern = ResourcePattern(
        ResourceType[grant.resource.name],
        grant.name,
        ACLResourcePatternType.PREFIXED if grant.is_prefix else ACLResourcePatternType.LITERAL,
    )
    names = {"DescribeConfigs": "DESCRIBE_CONFIGS", "AlterConfigs": "ALTER_CONFIGS"}
    return [
        ACL(f"User:{user}", "*", ACLOperation[names.get(name, name.upper())], ACLPermissionType.ALLOW, pattern)
        for name in grant.operations
    ]


def environment(kafka: JarsKafka, user: str, mechanism: str = "SCRAM-SHA-512", **changes: str) -> dict[str, str]:
    """What a program of this user is started with."""
    return {
        "SHELFWISE_BROKER": kafka.secured_bootstrap,
        "SHELFWISE_PAGE_PARTITIONS": str(SETTINGS.page_partitions),
        "SHELFWISE_SECURITY_PROTOCOL": "SASL_SSL",
        "SHELFWISE_SSL_CA_FILE": str(kafka.ca_file),
        "SHELFWISE_SASL_MECHANISM": mechanism,
        "SHELFWISE_SASL_USERNAME": user,
        "SHELFWISE_SASL_PASSWORD": USERS[user],
        "SHELFWISE_GROUP": user if user in LACKERS else SETTINGS.group,
        **{f"SHELFWISE_{name.upper()}": value for name, value in changes.items()},
    }


@pytest.fixture
def shelfwise(kafka: JarsKafka) -> Command:
    """Runs a command as a user, in a process of its own that ends by itself or is ended: for workers."""

    def command(user: str, *words: str, **changes: str) -> Ended:
        process = subprocess.run(
            [sys.executable, "-m", "streams.cli.main", *words],
            env={**os.environ, **environment(kafka, user, **changes)},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        return Ended(process.returncode, process.stdout, process.stderr)

    return command


@pytest.fixture
def command(kafka: JarsKafka, capfd: pytest.CaptureFixture[str]) -> Command:
    """Runs a command that always ends, in this process, as a user."""

    def command(user: str, *words: str, **changes: str) -> Ended:
        capfd.readouterr()
        with pytest.MonkeyPatch.context() as patched:
            for name, value in environment(kafka, user, **changes).items():
                patched.setenv(name, value)
            status = run(list(words))
        return Ended(status, *capfd.readouterr())

    return command
