"""How long a listener's ranking takes to follow her stream-ends, at several rates."""
