"""The demo: simulated listeners who react to their rankings, a worker, a live view, an audit."""
