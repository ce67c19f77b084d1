"""The tasks for the exactly-once driver: decode records, call the pure core, encode its output."""
