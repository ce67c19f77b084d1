"""The result of an audit: for each check the number of violations, with examples."""

from msgspec import Struct


class Finding(Struct, frozen=True, kw_only=True):
    """A failed check: number of violations, and the first few."""

    check: str
    count: int
    examples: tuple[str, ...]


class Audit(Struct, frozen=True, kw_only=True):
    """Counts and findings; `holds` if no check failed.

    `violations` has every check that was made, zero if it passed; a check whose topics were not read is absent.
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
