"""The Python API: the estimator, opened studies, and what every command does, as functions.

The command line spells options and prints; whatever it does is done here.
"""
