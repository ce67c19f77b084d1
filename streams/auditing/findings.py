"""What an audit says: for every check how often it failed, with examples."""

from msgspec import Struct


class Finding(Struct, frozen=True, kw_only=True):
    """One check that failed: how often, and the first few cases."""

    check: str
    count: int
    examples: tuple[str, ...]


class Audit(Struct, frozen=True, kw_only=True):
    """What was counted and what was found; `holds` where no check failed.

    `violations` has every check that was made, zero where it held; a check whose topics were not read is absent.
    """

    holds: bool
    impressions: int
    exposures: int
    settled: int
    open: int
    corrections: int
    stream_ends: int
    duplicates: int
    interactions: int
    rankings: int
    dead_letters: int
    violations: dict[str, int]
    findings: tuple[Finding, ...]
