"""Peers: a bare client, stock Faust, Quix and the whole pipeline on the same log, each in its own process."""
