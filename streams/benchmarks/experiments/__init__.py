"""`bench experiments`: planted experiments through the whole pipeline."""
