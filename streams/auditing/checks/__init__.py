"""The checks, one subject per file: each takes the books and the recomputed values, and yields violations."""
