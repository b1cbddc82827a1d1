"""What runs on an operator's machine: deploy, prove, look into and repair a reliable queue."""
