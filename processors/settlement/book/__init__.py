"""The book of one partition: records of listeners, impressions and streams in arrays, and the agenda."""
