"""Peers: the same log through a bare client, stock Faust, Quix and the whole pipeline, one process each."""
