"""An embedded, single-node broker that speaks the real Kafka protocol; for development and tests."""
