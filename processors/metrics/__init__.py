"""From signals of listeners to metrics, KPIs and decisions on experiments."""
