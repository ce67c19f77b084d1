"""How often counterfactual values and their intervals are right, in worlds where the truth is known."""
