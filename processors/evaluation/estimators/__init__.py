"""Estimators of a policy's value from another policy's log: streaming, and additive over logs with `+`."""
