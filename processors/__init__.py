"""Pure, deterministic processing of messages on numpy columns, without IO or clocks."""
