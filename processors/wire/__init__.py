"""Bytes of records to columns and back, compiled: no Python object for a record or for anything in it."""
