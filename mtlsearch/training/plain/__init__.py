"""The reference: networks as plain modules, trained one after another."""
