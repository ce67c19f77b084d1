"""Machine code: what becomes of a compiled function, where it is kept, and how it is found again."""
