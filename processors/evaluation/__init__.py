"""Counterfactual values: what another policy would have been worth, told from a log, and held against planted truth."""
