"""For other teams' tests: their program on the embedded AWS, and a handle on its queue."""
