"""Settings reach every client and never show a secret."""

import dataclasses
import ssl

import pytest

from streams.exactly_once.driver_settings import DriverSettings
from streams.exactly_once.records.partitioner import Partitioner
from streams.exactly_once.security import SecuritySettings
from streams.exactly_once.task import TaskSpec
from tests.exactly_once.keyed_sums import KeyedSums


def test_a_secret_is_nowhere_in_the_text_of_the_settings() -> None:
    security = SecuritySettings(
        protocol="SASL_SSL",
        mechanism="SCRAM-SHA-512",
        username="worker",
        password="do-not-show",
        cert_file="worker.pem",
        key_file="worker.key",
        key_password="nor-this",
    )
    settings = DriverSettings(bootstrap="127.0.0.1:9092", group="g", security=security)
    for text in (repr(settings), str(settings), repr(security), f"{dataclasses.replace(security)}"):
        assert "do-not-show" not in text
        assert "nor-this" not in text


def test_every_client_gets_the_credentials() -> None:
    security = SecuritySettings(protocol="SASL_PLAINTEXT", mechanism="PLAIN", username="worker", password="secret")
    options = DriverSettings(bootstrap="127.0.0.1:9092", group="g", security=security).client_options()
    assert options["security_protocol"] == "SASL_PLAINTEXT"
    assert options["sasl_mechanism"] == "PLAIN"
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("worker", "secret")


def test_tls_verifies_the_broker() -> None:
    context = SecuritySettings(protocol="SSL").client_options()["ssl_context"]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


@pytest.mark.parametrize(
    ("key", "partition"),
    # Java's Utils.murmur2, as pinned in Apache Kafka's own UtilsTest, made positive, modulo 12
    [
        (b"21", (-973932308 & 0x7FFFFFFF) % 12),
        (b"foobar", (-790332482 & 0x7FFFFFFF) % 12),
        (b"a-little-bit-long-string", (-985981536 & 0x7FFFFFFF) % 12),
        (b"a-little-bit-longer-string", (-1486304829 & 0x7FFFFFFF) % 12),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", (-58897971 & 0x7FFFFFFF) % 12),
        (b"abc", (479470107 & 0x7FFFFFFF) % 12),
    ],
)
def test_a_key_goes_where_every_other_client_would_send_it(key: bytes, partition: int) -> None:
    partitioner = Partitioner()
    assert partitioner.partition_of(key, 12) == partition
    assert partitioner.partition_of(key, 12) == partition  # from memory


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"heartbeat_interval_ms": 10_000}, "heartbeat_interval_ms must be below"),
        ({"commit_interval_ms": 60_000}, "commit_interval_ms must be below"),
        ({"bootstrap": ""}, "must not be empty"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DriverSettings(**{"bootstrap": "127.0.0.1:9092", "group": "g", **changes})  # type: ignore[arg-type]


def test_a_spec_that_names_a_topic_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="names a topic twice"):
        TaskSpec(name="t", inputs=("a", "a"), state_topic="s", make=lambda partition: KeyedSums("t"))
