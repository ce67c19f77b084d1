"""What becomes due, its columns, and the records written of it."""
