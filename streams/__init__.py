"""How it moves: Kafka, Faust, state, recovery, the command line and the embedded broker."""
