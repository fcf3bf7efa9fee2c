"""Pure functions from records to statements: no training, no storage, no name of an arm."""
