"""Callbacks that tests of several files use."""

from mtlsearch.callbacks import Callback


class Impatient(Callback):
    """Stops the study at its third training."""

    def __init__(self):
        self.heard = 0

    def training_finished(self, event):
        self.heard += 1
        if self.heard == 3:
            raise KeyboardInterrupt
