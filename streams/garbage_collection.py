"""How Python collects garbage in a process that holds a large state for long."""

import gc


def calm_garbage_collection() -> None:
    """Collect seldom: state is large and lives long, messages hold no cycles and die by themselves."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
