"""Launcher of the command line: `python cli.py search`. The commands themselves live in mtlsearch/commands.py."""

import sys

if __name__ == "__main__":
    try:
        from mtlsearch.commands import main
    except ModuleNotFoundError as error:
        sys.exit(
            f"cli.py: {error}. Run `make search` first, or install the project: pip install -e ."
        )
    main()
