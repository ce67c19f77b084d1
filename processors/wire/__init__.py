"""Between bytes and columns: compiled readers and writers of what travels in records."""
