"""The demo: simulated listeners who react to the rankings they are given, a worker, a live view, an audit."""
