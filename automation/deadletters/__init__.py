"""Look into a dead-letter queue and move what is in it."""
