"""Settlement as state rows: written when changed, and restored."""
