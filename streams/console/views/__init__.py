"""Views: what the console knows, as plain data of one page each. Pure functions."""
