"""`topics grow`: moves state and what is compacted to where keys belong under a larger number of partitions."""
