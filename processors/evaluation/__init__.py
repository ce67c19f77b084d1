"""Counterfactual evaluation: the value of another policy, estimated from a log and checked against planted truth."""
