"""What one types: one module a command. The only folder that prints."""
