"""Offers the component to programs in any of Pulumi's languages."""

import sys
from pathlib import Path

from pulumi.provider import server

sys.path.append(str(Path(__file__).resolve().parent.parent))  # where `components` lies

from queue_for_all import QueueProvider, QueueServicer

if __name__ == "__main__":
    # As `component_provider_host` does, with a provider and a servicer that put refusals into plain
    # words; the SDK takes the one as an argument, and the other from its own module.
    server.ProviderServicer = QueueServicer
    server.main(QueueProvider(), sys.argv[1:])
