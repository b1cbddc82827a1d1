"""The Pulumi engine of this machine: found, downloaded or built."""
