"""One finished training, as the evidence sees it."""

from dataclasses import dataclass

from mtlsearch.candidate import Candidate
from mtlsearch.engine import Outcome


@dataclass(frozen=True)
class Trained:
    """One finished training of an arm: what was trained on which replicate, and what came of it."""

    arm: str
    number: int
    candidate: Candidate
    replicate: int
    outcome: Outcome
