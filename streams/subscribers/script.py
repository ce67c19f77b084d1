"""Runs a small service as a script; errors become one line on standard error and an exit status."""

import inspect
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from aiokafka.errors import KafkaError
from kafka.errors import KafkaError as KafkaPythonError

from streams.configuration_error import ConfigurationError
from streams.reachable import refuse_unless_reachable
from streams.subscribers.topic_missing import TopicMissingError

FAILED, MISUSED = 1, 2


def run_script(main: Callable[..., None]) -> None:
    """Call `main` with the arguments of the command line, the first of which is the broker.

    Exits with status 2 on wrong usage and with 1 if the broker fails, as `shelfwise` does.
    """
    logging.disable()  # clients also log what is printed here in one line
    words = sys.argv[1:]
    parameters = inspect.signature(main).parameters.values()
    usage = " ".join(
        f"[{it.name.upper()}...]" if it.kind is it.VAR_POSITIONAL else it.name.upper() for it in parameters
    )
    try:
        inspect.signature(main).bind(*words)
    except TypeError:
        _end(f"usage: python {sys.argv[0]} {usage}", MISUSED)
    try:
        refuse_unless_reachable(words[0])
        main(*words)
        sys.stdout.flush()
    except ConfigurationError as error:
        _end(str(error).replace("--broker", "BROKER"), MISUSED)
    except (KafkaError, KafkaPythonError, TopicMissingError) as error:
        _end(str(error) or repr(error), FAILED)
    except KeyboardInterrupt:
        _end("stopped", FAILED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # avoids the flush at exit
        _end("the output pipe was closed", FAILED)


def _usage(main: Callable[..., None]) -> str:
    """The usage of the script.

    >>> _usage(lambda broker, *users: None)
    'BROKER [USERS...]'
    """
    parameters = inspect.signature(main).parameters.values()
    return " ".join(
        f"[{one.name.upper()}...]" if one.kind is one.VAR_POSITIONAL else one.name.upper() for one in parameters
    )


def _end(what: str, status: int) -> NoReturn:
    print(f"{Path(sys.argv[0]).stem}: {' '.join(what.split())}", file=sys.stderr)  # noqa: T201  the one line
    sys.exit(status)
