"""The checks, one idea a file: each takes the books and what was recomputed, and names what does not add up."""
