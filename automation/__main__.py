"""`python -m automation COMMAND`."""

import sys

if __name__ == "__main__":
    try:
        from automation.importing import quick_imports

        with quick_imports():
            from automation.cli import main
    except KeyboardInterrupt:
        # All that is imported takes a second; nothing has been begun.
        sys.stderr.write("error: stopped\n")
        sys.exit(2)
    main()
