"""Launcher of the command line: `python cli.py search`.

The commands themselves are in mtlsearch/commands.py.
"""

import sys

if __name__ == "__main__":
    try:
        from mtlsearch.commands import main
    except ModuleNotFoundError as error:
        install = "Run `make search` first, or install the project: pip install -e ."
        sys.exit(f"cli.py: {error}. {install}")
    main()
