"""The consumer: Faust's app and transport, and the thread that owns aiokafka's consumer."""
