"""Names of variants in sums and metrics of engagement: two are ours, and a client's of such a name is told apart."""

from schemas.fields import IDENTIFIER_MAX

ALL_VARIANTS = "all"
"""Of what all variants and organic play together did, with the counters."""

ORGANIC = "organic"
"""Of streams that no exposure led to."""

_MARK = "~"
_OURS = frozenset({ALL_VARIANTS, ORGANIC})


def in_metrics(variant: str) -> str:
    """The name under which engagement of a client's variant is told: its own, but where that is one of ours.

    No two variants get the same name, and none gets one of ours; only of a name of 256 characters, all of them `~` but
    the last, there is no room to say so.

    >>> [in_metrics(name) for name in ("control", "all", "organic", "~all", "~", "All")]
    ['control', '~all', '~organic', '~~all', '~', 'All']
    """
    if variant.lstrip(_MARK) in _OURS and len(variant) < IDENTIFIER_MAX:
        return _MARK + variant
    return variant
