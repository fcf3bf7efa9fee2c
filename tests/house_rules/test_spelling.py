"""No method, arm, kind of task or of input, and no metric is spelled outside its own room.

To add one takes one file and one line in a table. That holds as long as no other room asks for its
name. The names are read from the tables; a name counts where it is a whole string, or an import of
the class behind it. Docstrings and comments may speak of it.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from mtlsearch.backbones import BACKBONES
from mtlsearch.backbones.numbers import NUMBERS
from mtlsearch.initializations import INITIALIZATIONS
from mtlsearch.inputs import INPUT_KINDS
from mtlsearch.search.arms import ARMS
from mtlsearch.sharing import SHARINGS
from mtlsearch.tasks import METRICS, TASK_KINDS
from mtlsearch.weightings import WEIGHTINGS
from tests.support.source import MODULES, Word, relative, words

# An arm is a choice among methods, a known architecture a use of soft sharing.
ARM_ROOMS = ("mtlsearch/search/arms.py", "mtlsearch/search/architectures.py")


@dataclass(frozen=True)
class Vocabulary:
    """What a table lists, and the folders or files where its names may stand."""

    table: Mapping[str, object]
    rooms: tuple[str, ...]

    @property
    def classes(self) -> set[str]:
        """The names of the classes that stand behind one entry each."""
        names: Counter[str] = Counter()
        for entry in self.table.values():
            kind = entry if isinstance(entry, type) else type(entry)
            names[kind.__name__] += 1
        return {name for name, count in names.items() if count == 1}

    @property
    def names(self) -> set[str]:
        """The names of the entries and of their classes."""
        return self.table.keys() | self.classes

    def spells(self, word: Word) -> bool:
        """Whether a word is one of these names."""
        if word.is_string:
            return word.text in self.table
        return word.text in self.classes


VOCABULARIES = [
    Vocabulary(BACKBONES, ("mtlsearch/backbones/",)),
    Vocabulary(SHARINGS, ("mtlsearch/sharing/", *ARM_ROOMS)),
    Vocabulary(NUMBERS, ("mtlsearch/backbones/numbers/",)),
    Vocabulary(WEIGHTINGS, ("mtlsearch/weightings/", *ARM_ROOMS)),
    Vocabulary(INITIALIZATIONS, ("mtlsearch/initializations/", *ARM_ROOMS)),
    Vocabulary(TASK_KINDS, ("mtlsearch/tasks/",)),
    Vocabulary(METRICS, ("mtlsearch/tasks/",)),
    # what is fitted to a kind of input is written down and read again by the runtime
    Vocabulary(INPUT_KINDS, ("mtlsearch/inputs/", "mtlsearch/runtime/encoding.py")),
    Vocabulary(ARMS, ARM_ROOMS),
]

ORDINARY = {"none"}  # no colour, no cost, no reduction: a soft sharing has no claim to it

DEFAULT = "what a candidate has unless told"
EXAMPLE = "makes an example of each kind"
SAMPLER = "the name of a sampler"
ALLOWED = {
    ("mtlsearch/candidate.py", "NoSharing"): DEFAULT,
    ("mtlsearch/candidate.py", "Fixed"): DEFAULT,
    ("mtlsearch/candidate.py", "Plain"): DEFAULT,
    ("mtlsearch/candidate.py", "Random"): DEFAULT,
    ("mtlsearch/data/planted.py", "Regression"): "what a planted task is unless told",
    ("mtlsearch/data/planted_arrays.py", "images"): EXAMPLE,
    ("mtlsearch/data/planted_arrays.py", "sequences"): EXAMPLE,
    ("mtlsearch/data/planted_arrays.py", "table"): EXAMPLE,
    ("mtlsearch/data/planted_arrays.py", "texts"): EXAMPLE,
    ("mtlsearch/data/planted_arrays.py", "tokens"): EXAMPLE,
    ("mtlsearch/data/problems.py", "table"): "a key in the files of embedded problems",
    ("mtlsearch/search/samplers.py", "random"): SAMPLER,
    ("mtlsearch/search/dry_run.py", "random"): SAMPLER,
    ("mtlsearch/search/timing.py", "random"): SAMPLER,
    ("mtlsearch/search/memory.py", "random"): SAMPLER,
    ("mtlsearch/search/engine_choice.py", "random"): SAMPLER,
}


def _misplaced() -> dict[tuple[str, str], int]:
    """The names that stand outside their rooms, by file and name, with the first line."""
    misplaced: dict[tuple[str, str], int] = {}
    for path in MODULES:
        file = relative(path)
        at_home = set(ORDINARY)
        for vocabulary in VOCABULARIES:
            if file.startswith(vocabulary.rooms):
                at_home |= vocabulary.names
        for word in words(path):
            is_name = any(vocabulary.spells(word) for vocabulary in VOCABULARIES)
            if is_name and word.text not in at_home:
                misplaced.setdefault((file, word.text), word.line)
    return misplaced


def test_no_name_of_a_table_is_spelled_outside_its_room():
    lines = []
    for (file, name), line in _misplaced().items():
        if (file, name) not in ALLOWED:
            lines.append(f"  {file}:{line} spells {name}")
    assert not lines, "\n".join(["", *lines])


def test_what_is_allowed_is_still_there():
    assert ALLOWED.keys() <= _misplaced().keys()


def test_the_tables_are_read():
    names = set()
    for vocabulary in VOCABULARIES:
        names |= vocabulary.names
    assert {"mlp", "Mlp", "l2_sharing", "UPGrad", "pretrained", "multiclass"} <= names
    assert {"Multiclass", "tokens", "Tokens", "share_all"} <= names
    assert "Arm" not in names
