"""How a model errs on test rows, for people who look: one diagnostic a file, pure functions.

Nothing is decided on any of them.
"""
