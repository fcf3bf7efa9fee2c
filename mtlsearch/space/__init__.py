"""The search space: what may vary, read from YAML, and sampled into candidates."""

from mtlsearch.space.files import describe_space, load_space
from mtlsearch.space.grammar import Choice, Constant, PerTask, Range, Spec
from mtlsearch.space.option import DEFAULTS, Option
from mtlsearch.space.search_space import COSTS, FOR_CONCLUSIONS, SearchSpace, TreeLimits
from mtlsearch.space_names import FOLDERS, known_spaces

__all__ = [
    "COSTS",
    "DEFAULTS",
    "FOLDERS",
    "FOR_CONCLUSIONS",
    "Choice",
    "Constant",
    "Option",
    "PerTask",
    "Range",
    "SearchSpace",
    "Spec",
    "TreeLimits",
    "describe_space",
    "known_spaces",
    "load_space",
]
