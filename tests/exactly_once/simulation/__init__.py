"""The takeover protocol under random crashes: a cluster in memory, the driver's own code, and one seed a history.

python -m tests.exactly_once.simulation --crashes 100000 --seed 1
"""
