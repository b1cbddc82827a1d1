"""`python -m automation.engine`: the part of set-up that makes sure that there is an engine."""

import sys

from automation.engine.finding import main

if __name__ == "__main__":
    sys.exit(main())
