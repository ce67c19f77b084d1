"""Co-clusters: groups of users and groups of cards, learned together from how long who streams what."""
