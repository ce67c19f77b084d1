"""A compiling process: reads names of stages from its input, and reports each event as a line.

It exits when its input ends, whatever it is doing, because its results are no longer needed. With a folder as its
argument, it uses only that one for machine code.
"""

import os
import sys
import threading
from pathlib import Path
from queue import SimpleQueue

from processors.machine_code.keeping import watch
from processors.machine_code.places import keep_only_in

STAGE_DONE = "done"
STAGE_FAILED = "failed"
BEHIND = "behind"


def main() -> None:
    """Serve until the input ends."""
    wanted: SimpleQueue[str] = SimpleQueue()
    threading.Thread(target=_listen, args=(wanted,), daemon=True).start()
    watch(_tell)
    if sys.argv[1:]:
        keep_only_in(Path(sys.argv[1]))
    from streams.compiling.compile_stages import ALL

    by_name = {stage.name: stage for stage in ALL}
    while True:
        name = wanted.get()
        if name == BEHIND:
            os.nice(10)  # the rest must not slow down a running worker
            continue
        try:
            by_name[name].run()
        except Exception as error:  # noqa: BLE001  the worker runs the stage as well, and reports the error
            _tell(STAGE_FAILED, f"{name} {error!r}")
        else:
            _tell(STAGE_DONE, name)


def _listen(wanted: "SimpleQueue[str]") -> None:
    for line in sys.stdin:
        wanted.put(line.strip())
    os._exit(0)


def _tell(what: str, name: str) -> None:
    sys.stdout.write(f"{what} {' '.join(name.splitlines())}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
