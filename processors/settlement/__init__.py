"""The join and settlement of exposures in event time: what was shown meets what was played."""
