"""Exactly-once Faust: batches, and one transactional task per input partition; nothing domain-specific.

Build a worker from settings and task specs, and run it on an event loop until it is stopped::

    spec = TaskSpec(name="sums", inputs=("payments",), state_topic="sums-state", make=Sums)
    worker = build(DriverSettings(bootstrap="127.0.0.1:9092", group="bank"), [spec])
    await worker.run(stop)

``task`` defines what a task is, ``driver`` runs a worker. Below them, each package imports only those after it:

- ``consumer``: Faust's app and transport, and the thread that owns aiokafka's consumer;
- ``partitions``: the life of one task, from assignment to revocation;
- ``transactions``: how a task passes from one worker to the next, its position, and what a transaction writes;
- ``records``: records in columns, and Kafka's record batches.

``consumer`` and ``partitions`` do not import each other: ``driver`` connects them.
"""
