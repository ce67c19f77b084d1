"""The warm-up stages: the work of each, its compiled functions, and the tasks that need it.

A process that has run the stages of a task does not compile any more; `tests/compiling` checks this, and that
the functions listed here are those that Python calls. Stages are independent of each other, so that each can be
compiled in its own process; those that a listener needs come first. What is rarely needed at once has a later `Moment`.
"""

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from processors.warm_up.event_work import take_impressions, take_stream_ends
from processors.warm_up.learning_work import count_outcomes, learn
from processors.warm_up.transaction_records import compact, keep_state, rank, restore_state, write_records


class Moment(Enum):
    """When machine code must be there."""

    OPENING = "opening"  # before a partition is opened
    RESTORING = "restoring"  # before rows of state are restored, if there are any
    LATER = "later"  # never waited for: the caller asks whether it is loaded


class Stage(NamedTuple):
    """`run` compiles the `entries`, each a `module.function`."""

    name: str
    tasks: frozenset[str]
    run: Callable[[], None]
    entries: tuple[str, ...]
    moment: Moment = Moment.OPENING


def _stage(name: str, tasks: str, run: Callable[[], None], entries: str, moment: Moment = Moment.OPENING) -> Stage:
    """Create a stage; entries are written as `module: function function; module: …`."""
    parts = (part.split(":") for part in entries.split(";") if part.strip())
    named = (f"processors.{module.strip()}.{function}" for module, functions in parts for function in functions.split())
    return Stage(name, frozenset(tasks.split()), run, tuple(named), moment)


COMPACTION = "compaction"

STAGES = (
    _stage(
        *("impressions", "listeners", take_impressions),
        "wire.batch: gather; wire.shredding: read_records; wire.impressions: join_seen; "
        "settlement.rules.arrivals: take_impressions; wire.name_index: _put _find; wire.hash_index: reindex",
    ),
    _stage(
        *("records", "listeners", write_records),
        "settlement.rules.advance: advance; settlement.output.page_columns: read_pages read_exposures; "
        "settlement.output.page_groups: copy_shown_plays put_groups read_groups; settlement.rules.credits: exchange; "
        "settlement.output.outgoing: number_by_record put_in_order; settlement.book.names: number_texts; "
        "wire.assembly: write_records",
    ),
    _stage(
        *("state", "listeners", keep_state),
        "settlement.state.row_columns: room_needed write_rows; settlement.output.waiting: collect; "
        "wire.hash_index: reindex; settlement.rules.watermark: rise",
    ),
    _stage(
        *("stream-ends", "listeners", take_stream_ends),
        "wire.batch: gather; wire.shredding: read_records; settlement.rules.arrivals: take_stream_ends",
    ),
    _stage(
        *("rankings", "listeners", rank),
        "cocluster.model.density_table: tabulated; cocluster.model.evidence: edge_evidence; rewards.success: _stepped; "
        "wire.assembly: write_records",
    ),
    _stage(
        *("restoring", "listeners", restore_state),
        "settlement.state.listener_rows: read_listeners read_impressions read_played; "
        "settlement.output.waiting: await_pages",
        Moment.RESTORING,
    ),
    _stage(
        *(COMPACTION, "listeners", compact),
        "settlement.book.compaction: move_text renumber_cards move_exposures move_plays",
        Moment.LATER,
    ),
    _stage(
        *("cards", "cards", count_outcomes),
        "cocluster.model.density_table: tabulated; wire.batch: gather; wire.shredding: read_records; "
        "wire.outcomes: merge_in_order; rewards.success: _stepped; bandit.card_sums: add_exposures add_gains",
    ),
    _stage(
        *("learner", "learner", learn),
        "cocluster.model.block_statistics: shrunk_blocks; cocluster.model.density_table: tabulated; "
        "cocluster.online.ring_memory: learn_interactions retire_users withdraw_users retire_cards ring_edges; "
        "cocluster.online.counting: recount; cocluster.fitting.passes: densities start make_passes; "
        "cocluster.fitting.split_merge: halve; "
        "cocluster.fitting.belief_propagation: sweep; cocluster.model.evidence: edge_evidence; "
        "wire.batch: gather; wire.shredding: read_records; wire.hash_index: reindex; wire.name_index: _put _find",
    ),
)


def warm_up() -> None:
    """Run all stages."""
    for stage in STAGES:
        stage.run()
