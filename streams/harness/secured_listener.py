"""A second listener with TLS and SASL, certified by an authority of the test's own, behind Kafka's authorizer."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.admin import ScramMechanism, UserScramCredentialUpsertion

from streams.harness.artifacts import needed_program
from streams.harness.interface import HarnessError

LISTENER = "SECURED"
_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
_NAMES = "-addext subjectAltName=IP:127.0.0.1,DNS:localhost"
_CERTIFICATES = (
    f"req -x509 {_KEY} -subj /CN=test-authority -keyout ca.key -out ca.pem",
    f"req -x509 {_KEY} -subj /CN=broker {_NAMES} -CA ca.pem -CAkey ca.key -keyout broker.key -out broker.crt",
)


@dataclass(frozen=True, kw_only=True)
class SecuredListener:
    """Who may come in: user names with their passwords, for PLAIN and for SCRAM-SHA-512 alike.

    What each may do says the authorizer: nothing, until it is granted. The listener without security stays, on
    loopback, for the brokers among themselves and for the harness; whoever comes that way may do everything.
    """

    users: Mapping[str, str] = field(repr=False)

    def make_certificates(self, folder: Path) -> Path:
        """Make an authority and a certificate for 127.0.0.1 and localhost; gives the authority's file.

        Raises HarnessError where openssl is missing or refuses.
        """
        openssl = needed_program("openssl")
        folder.mkdir()
        for arguments in _CERTIFICATES:
            made = subprocess.run(  # noqa: S603  fixed commands
                [openssl, *arguments.split()], cwd=folder, capture_output=True, text=True, check=False
            )
            if made.returncode != 0:
                raise HarnessError(f"openssl cannot {arguments.split()[0]}: {made.stderr[-500:]}")
        (folder / "broker.pem").write_text((folder / "broker.key").read_text() + (folder / "broker.crt").read_text())
        return folder / "ca.pem"

    def properties(self, certificates: Path, port: int, others: Mapping[str, int]) -> dict[str, str]:
        """Kafka's settings for the listener on this port, beside the plain ones on others by name."""
        addresses = {**others, LISTENER: port}
        prefix = f"listener.name.{LISTENER.lower()}"
        login = "org.apache.kafka.common.security"
        known = " ".join(f'user_{name}="{password}"' for name, password in self.users.items())
        return {
            "listeners": ",".join(f"{name}://127.0.0.1:{number}" for name, number in addresses.items()),
            "advertised.listeners": ",".join(
                f"{name}://127.0.0.1:{number}" for name, number in addresses.items() if name != "CONTROLLER"
            ),
            "listener.security.protocol.map": f"PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,{LISTENER}:SASL_SSL",
            f"{prefix}.ssl.keystore.type": "PEM",
            f"{prefix}.ssl.keystore.location": str(certificates / "broker.pem"),
            f"{prefix}.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
            f"{prefix}.plain.sasl.jaas.config": f"{login}.plain.PlainLoginModule required {known};",
            f"{prefix}.scram-sha-512.sasl.jaas.config": f"{login}.scram.ScramLoginModule required;",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        }

    def enrol(self, bootstrap: str) -> None:
        """Let the users in by SCRAM, too; `bootstrap` is the listener without security."""
        admin = KafkaAdminClient(bootstrap_servers=bootstrap)
        try:
            refused = admin.alter_user_scram_credentials(
                [
                    UserScramCredentialUpsertion(name, ScramMechanism.SCRAM_SHA_512, password)
                    for name, password in self.users.items()
                ]
            )
        finally:
            admin.close()
        if any(refused.values()):
            raise HarnessError(f"users could not be enrolled: {refused}")
