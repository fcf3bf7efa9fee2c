"""How a column of a table is read and encoded: what the user says of it, and what is taken."""

from dataclasses import dataclass, fields
from typing import Literal

from mtlsearch.runtime.cells import Spelling

ColumnType = Literal["number", "boolean", "category", "text", "date", "image"]

DEFAULT_PIXELS = 64
"""The pixels a side that pictures are scaled to where nothing else is said."""


@dataclass(frozen=True)
class ColumnForm:
    """How an input column of a table is read and encoded.

    Attributes:
        type: What it holds.
        decimal: The decimal mark of its numbers, "." or ",".
        missing: Words that stand for a missing value, beside those that always do.
        day_first: Whether the day comes before the month in its dates.
        embedding: The size of the vector of a category, word or picture; None: by a rule.
        minimum_count: Categories and words in fewer training rows share one vector; None: by a
            rule.
        buckets: The number of buckets that categories are hashed into; None: no hashing.
        whole_names: Whether its names are whole numbers, so that 3.0 is the name 3.
        max_length: How many words or pieces of a text are read at most; None: by a rule.
        tokenizer: The tokenizer of a text, as JSON; None: it falls into words.
        unit: What stands behind its numbers, such as "kg"; empty for none.
        size: The pixels a side that its pictures are scaled to.
    """

    type: ColumnType
    decimal: str = "."
    missing: tuple[str, ...] = ()
    day_first: bool = False
    embedding: int | None = None
    minimum_count: int | None = None
    buckets: int | None = None
    whole_names: bool = False
    max_length: int | None = None
    tokenizer: str | None = None
    unit: str = ""
    size: int = DEFAULT_PIXELS

    @property
    def spelling(self) -> Spelling:
        """How its cells are spelled, which an exported model needs to know."""
        return Spelling(self.decimal, self.missing, self.whole_names, self.unit)

    @property
    def description(self) -> str:
        """The type and what differs from the usual; a new option changes no other text."""
        given = {}
        for option in fields(self):
            value = getattr(self, option.name)
            if value != option.default:
                given[option.name] = value
        return repr(given)

    @property
    def is_plain(self) -> bool:
        """Whether it is a number or a category with nothing else to say."""
        return self in PLAIN_FORMS


PLAIN_FORMS = (ColumnForm("number"), ColumnForm("boolean"), ColumnForm("category"))


@dataclass(frozen=True)
class ColumnSettings:
    """What the user says of a column; None where it is left to be recognised.

    The attributes are those of `ColumnForm`; a type "ignore" leaves the column out, and `tokenizer`
    is the name or the folder of one.
    """

    type: Literal["number", "category", "text", "date", "image", "ignore"] | None = None
    decimal: Literal[".", ","] | None = None
    missing: tuple[str, ...] = ()
    day_first: bool | None = None
    embedding: int | None = None
    minimum_count: int | None = None
    buckets: int | None = None
    max_length: int | None = None
    tokenizer: str | None = None
    size: int | None = None


NOTHING_SAID = ColumnSettings()
