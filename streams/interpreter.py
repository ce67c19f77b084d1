"""How Python runs in a process that holds a large state for long, and computes in more than one thread."""

import gc
import sys

SWITCH_INTERVAL_S = 0.001


def calm_garbage_collection() -> None:
    """Collect seldom: state is large and lives long, messages hold no cycles and die by themselves."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def take_turns_often() -> None:
    """Let no thread wait long for the interpreter: reading and learning let go of it often, and each time wait anew.

    Over 300,000 events the learner was busy for 43 s with Python's 5 ms, and for 28 s with one.
    """
    sys.setswitchinterval(SWITCH_INTERVAL_S)
