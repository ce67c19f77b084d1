"""Messages are read on several threads at once from the first one on."""

import subprocess
import sys

SCRIPT = """
import sys, threading
from schemas.codec import decode, encode
from tests.builders import impression

value = encode(impression())
together = threading.Barrier(4)
sys.setswitchinterval(1e-6)

def read():
    together.wait()
    decode("impressions", value)

threads = [threading.Thread(target=read) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_threads_that_read_the_first_message_of_a_topic_at_once() -> None:
    """msgspec shows a type to other threads before it is done with it: they would read at address zero."""
    for _ in range(10):
        done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-500:]
