"""`python -m automation COMMAND`; in other folders `python …/automation COMMAND`, by its path."""

import sys
from pathlib import Path

if __name__ == "__main__":
    if not __package__:
        # Run by its path, Python looks for modules beside this file instead of in the repository.
        sys.path[0] = str(Path(__file__).resolve().parent.parent)
    try:
        from automation.importing import quick_imports

        with quick_imports():
            from automation.cli import main
    except KeyboardInterrupt:
        # All that is imported takes a second; nothing has been begun.
        sys.stderr.write("error: stopped\n")
        sys.exit(2)
    main()
