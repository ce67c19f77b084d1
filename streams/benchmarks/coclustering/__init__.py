"""Co-clustering benchmarks: recovery of planted groups, cost, and scaling."""
