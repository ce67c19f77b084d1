"""Co-clusters: groups of users and groups of cards, learned together from streaming times."""
