"""Compiled readers and writers between bytes of records and columns, without Python objects per record."""
