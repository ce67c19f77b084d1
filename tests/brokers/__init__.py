"""One contract for every broker: the embedded one, and whatever else is in the list of backends."""
