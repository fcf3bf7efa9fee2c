"""Pure functions from outcomes to statements: no training, no storage."""
