"""The table of what networks read of numbers. To add one: one file, one line here."""

from mtlsearch.backbones.numbers.contract import Numbers
from mtlsearch.backbones.numbers.periodic import Periodic
from mtlsearch.backbones.numbers.plain import Plain
from mtlsearch.backbones.numbers.training_numbers import TrainingNumbers

NUMBERS: dict[str, type[Numbers]] = {
    "plain": Plain,
    "periodic": Periodic,
}

__all__ = ["NUMBERS", "Numbers", "Periodic", "Plain", "TrainingNumbers"]
