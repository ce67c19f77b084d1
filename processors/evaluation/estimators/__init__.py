"""Estimators of a policy's value from another policy's log: streaming, and two logs' estimators add up with `+`."""
