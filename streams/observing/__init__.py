"""Observability of a worker: logs, metrics, liveness and readiness."""
