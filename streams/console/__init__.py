"""The console: web pages over our topics, for people; reads as a subscriber does and writes nothing."""
