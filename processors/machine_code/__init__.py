"""Machine code of compiled functions: linking, caching and lookup."""
