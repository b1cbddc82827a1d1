"""Offers the component to programs in any of Pulumi's languages."""

import sys
from pathlib import Path

from pulumi.provider.experimental import component_provider_host

sys.path.append(str(Path(__file__).resolve().parent.parent))  # where `components` lies

from queue_for_all import ReliableQueue

if __name__ == "__main__":
    component_provider_host(components=[ReliableQueue], name="reliable-queue")
