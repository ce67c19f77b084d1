"""Structured logs on standard error, for people or for machines."""

import json
import logging
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any

import structlog

MASK = "**********"
_TELLTALES = ("aiokafka.conn", "kafka.net", "kafka.protocol", "kafka.sasl")
"""At level debug these log complete requests, and a SASL request contains the password."""


def masking(secrets: Iterable[str]) -> Callable[[Any, str, Any], str]:
    r"""A final log processor that masks secrets, also in the quoting of Python and JSON.

    >>> masking(['a"b'])(None, "info", r'the password is a"b, in JSON a\"b')
    'the password is **********, in JSON **********'
    """
    shapes = {shape for secret in secrets for shape in (secret, repr(secret)[1:-1], json.dumps(secret)[1:-1])}
    longest_first = sorted((shape for shape in shapes if shape), key=len, reverse=True)
    found = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def mask(_logger: Any, _method: str, line: Any) -> str:
        return found.sub(MASK, str(line))

    return mask


def configure_logs(level: str, style: str, secrets: Iterable[str] = ()) -> None:
    """Send all logs, ours and the libraries', to standard error: `text` for people, `json` for machines.

    `secrets` are masked in all output.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last, masking(secrets)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("kafka").setLevel(logging.CRITICAL if level != "debug" else logging.DEBUG)
    for noisy in ("aiokafka", "faust", "mode", "asyncio", "streams.exactly_once"):
        logging.getLogger(noisy).setLevel(logging.WARNING if level != "debug" else logging.DEBUG)
    for telltale in _TELLTALES:
        logging.getLogger(telltale).setLevel(max(logging.INFO, logging.getLogger(telltale).getEffectiveLevel()))
