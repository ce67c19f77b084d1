"""Exactly-once Faust: batches, and one transactional task per input partition; nothing domain-specific."""
