"""Brokers for tests: Apache Kafka from Maven artifacts, or the embedded one, behind one interface."""
