"""The command line as a module: `python -m mtlsearch search`."""

from mtlsearch.commands import main

main()
