"""What is asked of AWS: clients, errors, counts, the consumer's log."""
