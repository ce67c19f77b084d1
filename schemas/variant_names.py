"""Names of variants in sums and metrics of engagement: two are reserved, and equal names of clients are escaped."""

from schemas.fields import IDENTIFIER_MAX

ALL_VARIANTS = "all"
"""The total of all variants and organic play, with the counters."""

ORGANIC = "organic"
"""Streams without an exposure."""

_MARK = "~"
_OURS = frozenset({ALL_VARIANTS, ORGANIC})


def in_metrics(variant: str) -> str:
    """The name of a client's variant in engagement: its own, escaped if that is reserved.

    Names stay distinct and never become reserved, except that a name of 256 characters, all but the last of them `~`,
    cannot be escaped.

    >>> [in_metrics(name) for name in ("control", "all", "organic", "~all", "~", "All")]
    ['control', '~all', '~organic', '~~all', '~', 'All']
    """
    if variant.lstrip(_MARK) in _OURS and len(variant) < IDENTIFIER_MAX:
        return _MARK + variant
    return variant
