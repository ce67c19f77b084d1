"""What counts as success: one file a reward, each a function of streamed seconds and of the co-cluster."""
