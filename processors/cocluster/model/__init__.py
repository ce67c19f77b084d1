"""What co-clusters are: densities, soft groups, statistics of blocks, labels."""
