"""The four tasks as the exactly-once driver runs them: bytes to messages, the pure core, messages to bytes."""
