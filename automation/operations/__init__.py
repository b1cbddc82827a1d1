"""What is done to a queue that runs."""
