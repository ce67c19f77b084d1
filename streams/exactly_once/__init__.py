"""Exactly-once Faust: batch delivery and one transactional task per input partition; nothing domain-specific."""
