"""Consumers that read records whatever their headers contain, based on the clients' internals."""
