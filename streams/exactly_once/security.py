"""TLS and SASL settings for all clients of the driver."""

import ssl
from dataclasses import dataclass, field
from typing import Any, Literal

Protocol = Literal["SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


@dataclass(frozen=True, kw_only=True)
class SecuritySettings:
    """Credentials for a broker with authentication.

    >>> SecuritySettings(protocol="SASL_SSL", mechanism="PLAIN", username="worker", password="secret")
    SecuritySettings(protocol='SASL_SSL', mechanism='PLAIN', username='worker', ca_file=None, cert_file=None)
    """

    protocol: Protocol
    mechanism: Mechanism | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = field(default=None, repr=False)
    key_password: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse incomplete credentials.

        >>> SecuritySettings(protocol="SASL_SSL", mechanism="PLAIN", username="worker")
        Traceback (most recent call last):
        ...
        ValueError: SASL_SSL needs a mechanism, a username and a password
        """
        if self.protocol != "SSL" and not (self.mechanism and self.username and self.password):
            raise ValueError(f"{self.protocol} needs a mechanism, a username and a password")
        if self.cert_file is None and self.key_file is not None:
            raise ValueError("a key_file needs its cert_file")

    def client_options(self) -> dict[str, Any]:
        """Keyword arguments for aiokafka's clients.

        Raises OSError or ssl.SSLError if a certificate cannot be read.
        """
        options: dict[str, Any] = {"security_protocol": self.protocol}
        if self.protocol != "SASL_PLAINTEXT":
            options["ssl_context"] = self._ssl_context()
        if self.protocol != "SSL":
            options["sasl_mechanism"] = self.mechanism
            options["sasl_plain_username"] = self.username
            options["sasl_plain_password"] = self.password
        return options

    def _ssl_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.cert_file is not None:
            context.load_cert_chain(self.cert_file, self.key_file, self.key_password)
        return context
