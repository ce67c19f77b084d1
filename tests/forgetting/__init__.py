"""What still names a listener, and how far a request to forget has got."""
