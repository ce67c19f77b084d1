"""Topics on the cluster: planning, creation, checks and rights."""
