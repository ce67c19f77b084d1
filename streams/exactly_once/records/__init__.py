"""Records in columns, and Kafka's record batches: read, laid out, and placed by key."""
