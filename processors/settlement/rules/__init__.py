"""The rules of settlement: arrival, watermark, attribution, settling, corrections, eviction, forgetting."""
