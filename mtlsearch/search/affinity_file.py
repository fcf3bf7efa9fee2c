"""What takes steps to find of a study's affinities, kept beside it.

A long study has thousands of trainings, and a report of it would fit the same regressions again. A
file holds the precisions that were found, each under a digest of all that its regression rests on:
the trainings, their scores and the way to fit. After further trainings no digest is the same, and
what was kept is replaced; so nothing is ever answered from what is no longer true, and a fit with
what is kept is the same to the last bit as one without.
"""

import json
import logging
import os
from pathlib import Path

import numpy as np

from mtlsearch.evidence.affinity.fitting import Memory
from mtlsearch.evidence.affinity.regression import Evidence

logger = logging.getLogger(__name__)


class AffinityFile(Memory):
    """The precisions of the regressions of one fit, in a file.

    Args:
        folder: The folder of the study or of a part of it.
        name: Which of its fits it is.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._path = folder / f"affinities-{name}.json"
        self._stored = _read(self._path)
        self._used: dict[str, Evidence] = {}

    def find(self, key: str) -> Evidence | None:
        """The precisions that are kept under a key."""
        evidence = self._stored.get(key)
        if evidence is not None:
            self._used[key] = evidence
        return evidence

    def keep(self, key: str, evidence: Evidence) -> None:
        """Keep precisions under a key; `write` puts them into the file."""
        self._used[key] = evidence

    def write(self) -> None:
        """Write what was found or kept, and nothing else, unless the file holds just that.

        Where it cannot be written, it is said in the log: the next report takes as long again.
        """
        if self._used.keys() == self._stored.keys():
            return
        spelled = {key: _spell(evidence) for key, evidence in self._used.items()}
        partial = self._path.with_suffix(f".{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(json.dumps(spelled), encoding="utf-8")
            partial.replace(self._path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            logger.info("%s cannot be written (%s): a report will fit anew", self._path, error)


def _spell(evidence: Evidence) -> dict[str, object]:
    return {"precision": evidence.precision.tolist(), "noise": evidence.noise}


def _read(path: Path) -> dict[str, Evidence]:
    """What a file holds; nothing where there is none, or where it is damaged."""
    try:
        spelled = json.loads(path.read_text(encoding="utf-8"))
        stored = {}
        for key, entry in spelled.items():
            stored[key] = Evidence(np.array(entry["precision"], float), float(entry["noise"]))
    except FileNotFoundError:
        return {}
    except (
        OSError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
    ) as error:  # of a file's border
        logger.info("%s cannot be read (%s): fitted anew", path, error)
        return {}
    return stored
