"""What a person is told while something is done; all of it can be turned off."""

import logging
import sys
from dataclasses import dataclass

from mtlsearch.program import spelled_for_caller

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Announcer:
    """Tells lines on standard error, and to `logging` in any case.

    Attributes:
        verbose: Whether lines go to standard error.
        progress: Whether a display of progress does.
    """

    verbose: bool = True
    progress: bool = True

    def tell(
        self,
        line: str,
    ) -> None:
        """Tell a line, with options spelled as whoever called the program would write them."""
        line = spelled_for_caller(line)
        logger.info("%s", line)
        if self.verbose:
            print(line, file=sys.stderr)
