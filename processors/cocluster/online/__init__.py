"""Learning co-clusters from a stream of interactions, and the learner as state rows."""
