"""A second listener with TLS and SASL, with a certificate authority of the test, and Kafka's authorizer."""

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
    """Users with their passwords, for both PLAIN and SCRAM-SHA-512.

    Their rights are those granted in the authorizer, initially none. The plain listener remains on loopback for
    the brokers and the harness, with all rights.
    """

    users: Mapping[str, str] = field(repr=False)

    def make_certificates(self, folder: Path) -> Path:
        """Create an authority and a certificate for 127.0.0.1 and localhost; returns the authority's file.

        Raises HarnessError if openssl is missing or fails.
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
        """Kafka's settings for the listener on this port, in addition to the named plain ones."""
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
        """Create the users' SCRAM credentials; `bootstrap` is the plain listener."""
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
