"""What can be said: frozen, versioned messages and the table of topics."""
