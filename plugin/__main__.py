"""Offers the component to programs in any of Pulumi's languages."""

import sys
from pathlib import Path

from pulumi.provider import main

sys.path.append(str(Path(__file__).resolve().parent.parent))  # where `components` lies

from queue_for_all import QueueProvider

if __name__ == "__main__":
    # As `component_provider_host` does, with a provider that puts refusals into plain words.
    main(QueueProvider(), sys.argv[1:])
