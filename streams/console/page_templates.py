"""The templates of the console, and the words that they use."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from streams.pictures import words
from streams.pictures.printable import printable

TEMPLATES = Path(__file__).parent / "templates"


def environment(now_ms: Any) -> Environment:
    """Jinja's environment: every value is escaped, an unknown name is an error. `now_ms` is a function."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "seconds": words.seconds,
        "share": words.share,
        "count": words.count,
        "factor": words.factor,
        "ordinal": words.ordinal,
        "iso": iso,
        "milliseconds": lambda ms: words.seconds(ms / 1_000),
        "pairs": lambda names: [(name, name) for name in names],
        "capitalize_first": lambda text: text[:1].upper() + text[1:],
        "coded": coded,
        "ago": lambda ms: f"{words.seconds(max(0, (now_ms() - ms) // 1_000))} ago",
    }
    return made


def coded(text: str) -> Markup:
    """Text in which commands stand between backticks, as HTML.

    >>> coded("run `a < b`, then look")
    Markup('run <code>a &lt; b</code>, then look')
    """
    parts = (escape(part) for part in text.split("`"))
    return Markup("").join(Markup("<code>{}</code>").format(part) if at % 2 else part for at, part in enumerate(parts))


def iso(ms: int) -> str:
    """A time in UTC.

    >>> iso(0)
    '1970-01-01T00:00:00Z'
    """
    return datetime.fromtimestamp(ms / 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
