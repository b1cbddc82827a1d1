"""What the local `aws` provider knows: one module for each AWS service, and the framework."""
