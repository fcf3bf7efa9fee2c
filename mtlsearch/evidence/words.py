"""Words that evidence and search have in common; they can be read without any figures."""

from typing import Literal

Decision = Literal["share", "share some", "do not share", "equal", "cannot tell"]
OPEN: Decision = "cannot tell"

Models = Literal["ensemble", "single"]  # what is compared: the seeds together, or one by one
ENSEMBLE: Models = "ensemble"
SINGLE: Models = "single"

CONFIDENCE = 0.95  # of intervals
