"""Co-clustering: how much of planted groups is found, at what cost, and how both go with size."""
