"""Exactly-once Faust: batches, and one transactional task per input partition; nothing domain-specific.

A worker is built from settings and specs of tasks, and runs on an event loop until told to stop::

    spec = TaskSpec(name="sums", inputs=("payments",), state_topic="sums-state", make=Sums)
    worker = build(DriverSettings(bootstrap="127.0.0.1:9092", group="bank"), [spec])
    await worker.run(stop)

Where to look: ``task`` for what a task is, ``driver`` for how a worker runs, ``partition`` for the life of
one task, ``opened`` and ``writer`` for what one transaction holds, ``takeover`` for how a task
passes from one worker to the next, ``position`` for how far it has got,
``transport`` and ``consumer_thread`` for what is changed in Faust. Records travel in columns (``spans``, ``records``):
``column_fetcher`` and ``batches`` are where they come from bytes and go to bytes.
"""
