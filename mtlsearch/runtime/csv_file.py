"""CSV files as people and spreadsheets write them: their encoding, separator and shape.

Needs Python only: an exported folder holds a copy of this file, so that a file is the same table in
a search and at prediction.
"""

import csv
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

TESTED_BYTES = 65536  # at the beginning of a text file, for zeros, which text does not have
TESTED_ROWS = 30  # by which the separator is recognised
TESTED_CHARACTERS = 2**18  # in which these rows are looked for
GZIP_MARK = b"\x1f\x8b"
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
SEPARATORS = (",", ";", "\t", "|")
SEPARATOR_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar |"}
SEPARATOR_LINE = re.compile(r"sep=([,;\t|])\r?\n")
"""The first line by which Excel is told the separator."""
END = "\x1eend of file"
"""A last line of our own: where it is no row by itself, a quote before it was never closed."""


class CsvError(ValueError):
    """The file is no table; the message is one line."""


@dataclass(frozen=True)
class CsvText:
    """The text of a CSV file and how its rows are separated.

    Attributes:
        text: The text, which begins with the header.
        separator: What separates the fields of a row.
        first_line: The number of the first line of the text in the file, from 1.
        notices: What was recognised and should be known.
    """

    text: str
    separator: str
    first_line: int
    notices: tuple[str, ...]

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the number of the line in which each row ends, and its fields.

        Blank lines are passed over. Raises CsvError for a quote that is not closed
        and for a field that is too long.
        """
        lines = io.StringIO(f"{self.text}\n{END}\n", newline="")
        reader = csv.reader(lines, delimiter=self.separator)
        start = self.first_line
        while True:
            try:
                fields = next(reader)
            except csv.Error as error:
                reason = " ".join(str(error).split())
                raise CsvError(f"line {start}: {reason}; is a quote not closed?") from error
            if fields == [END]:
                return
            if fields and fields[-1].endswith(f"{END}\n"):
                raise CsvError(f"line {start}: a quote is opened in this row and never closed")
            line = reader.line_num + self.first_line - 1
            is_blank = not fields or (len(fields) == 1 and fields[0].isspace())
            if not is_blank:
                yield line, fields
            start = line + 1


@dataclass(frozen=True)
class CsvShape:
    """What the rows of a CSV file come to.

    Attributes:
        names: The names of the columns; a column without a name is called "Unnamed: NUMBER".
        empty_columns: The positions of columns without a name and without a value.
        empty_rows: The numbers of rows without a value, from 0.
        rows: The number of rows, empty ones included.
    """

    names: tuple[str, ...]
    empty_columns: tuple[int, ...]
    empty_rows: tuple[int, ...]
    rows: int

    @property
    def notices(self) -> tuple[str, ...]:
        """What is left out of the table."""
        notices = []
        if self.empty_rows:
            first = self.empty_rows[0] + 1
            notices.append(
                f"{len(self.empty_rows)} empty rows are left out (the first is row {first})"
            )
        if self.empty_columns:
            notices.append(f"{len(self.empty_columns)} empty columns without a name are left out")
        return tuple(notices)


def open_csv(path: Path) -> CsvText:
    """Return the text of a CSV file, compressed or not.

    Raises CsvError if it is no text, and OSError.
    """
    text, notices = decode(_load(path))
    first_line = 1
    said = SEPARATOR_LINE.match(text)
    if said:
        separator = said[1]
        text = text[said.end() :]
        first_line = 2
    else:
        separator = find_separator(text)
    if separator != ",":
        notices.append(f"fields are separated by {SEPARATOR_NAMES[separator]}")
    return CsvText(text, separator, first_line, tuple(notices))


def decode(raw: bytes) -> tuple[str, list[str]]:
    """Return the text of a file, and notices. Raises CsvError.

    It is UTF-8, with or without a byte order mark, or UTF-16 with one, or else Windows-1252.
    """
    if raw.startswith(UTF16_MARKS):
        try:
            return raw.decode("utf-16"), ["the text is UTF-16"]
        except UnicodeDecodeError as error:
            raise CsvError(f"is no UTF-16 text ({error.reason})") from error
    is_binary = b"\0" in raw[:TESTED_BYTES]
    if is_binary or raw.startswith(GZIP_MARK):
        raise CsvError("is a binary file; a .csv must be plain text")
    try:
        return raw.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
    try:
        text = raw.decode("cp1252")
    except UnicodeDecodeError as error:
        raise CsvError(
            f"line {line} is not UTF-8 text; save the file with UTF-8 encoding"
        ) from error
    return text, [
        f"line {line} is not UTF-8, so the text is read as Windows-1252 (Western European); "
        "save the file with UTF-8 encoding if letters are wrong"
    ]


def find_separator(text: str) -> str:
    """Return what separates the fields of a text.

    It makes as many of the header as of the rows that follow, and the most of those that do; a
    comma where nothing does.
    """
    best = ","
    most = 1
    for separator in SEPARATORS:
        counts = _counts_of_fields(text, separator)
        if len(set(counts)) == 1 and counts[0] > most:
            best = separator
            most = counts[0]
    if most == 1:
        headers = {mark: _counts_of_fields(text, mark)[:1] for mark in SEPARATORS}
        best = max(SEPARATORS, key=lambda mark: headers[mark] or [0])
    return best


def shape_of(file: CsvText) -> CsvShape:
    """Return the names of the columns, and what is empty. Raises CsvError.

    A row must have as many fields as the header; names must be distinct.
    """
    rows = file.rows()
    _, header = next(rows, (0, []))
    if not any(field.strip() for field in header):
        raise CsvError("the file is empty")
    unnamed = [position for position, name in enumerate(header) if not name.strip()]
    filled_unnamed: set[int] = set()
    empty_rows = []
    count = 0
    for line, fields in rows:
        if len(fields) != len(header):
            raise CsvError(f"line {line} has {len(fields)} fields, the header has {len(header)}")
        for position in unnamed:
            if fields[position].strip():
                filled_unnamed.add(position)
        if not "".join(fields).strip():
            empty_rows.append(count)
        count += 1
    if count == len(empty_rows):
        raise CsvError("has a header but no rows of data")
    names = _names(header)
    empty_columns = tuple(position for position in unnamed if position not in filled_unnamed)
    return CsvShape(names, empty_columns, tuple(empty_rows), count)


def read_csv(path: Path) -> tuple[dict[str, list[str]], list[str]]:
    """Return the cells of each column of a CSV file, and notices. Raises CsvError, OSError."""
    file = open_csv(path)
    shape = shape_of(file)
    rows = file.rows()
    next(rows)
    empty = set(shape.empty_rows)
    kept = [fields for number, (_, fields) in enumerate(rows) if number not in empty]
    table = {}
    for position, name in enumerate(shape.names):
        if position not in shape.empty_columns:
            table[name] = [fields[position] for fields in kept]
    return table, [*file.notices, *shape.notices]


def _load(path: Path) -> bytes:
    raw = path.read_bytes()
    if path.suffix.lower() != ".gz":
        return raw
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        reason = " ".join(str(error).split())
        raise CsvError(f"cannot be read ({reason})") from error


def _counts_of_fields(text: str, separator: str) -> list[int]:
    """Return how many fields the header and the rows after it have, of the first few."""
    beginning = io.StringIO(text[:TESTED_CHARACTERS], newline="")
    reader = csv.reader(beginning, delimiter=separator)
    counts: list[int] = []
    try:
        for fields in reader:
            if fields:
                counts.append(len(fields))
            if len(counts) == TESTED_ROWS:
                break
    except csv.Error:  # a field that is too long: the rows before it are enough
        pass
    is_cut = len(text) > TESTED_CHARACTERS and 1 < len(counts) < TESTED_ROWS
    return counts[:-1] if is_cut else counts


def _names(header: Sequence[str]) -> tuple[str, ...]:
    """Return distinct names of the columns. Raises CsvError for a name that occurs twice."""
    names = []
    for position, name in enumerate(header):
        names.append(name if name.strip() else f"Unnamed: {position}")
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        listed = ", ".join(repeated)
        raise CsvError(f"column names must be distinct, found more than once: {listed}")
    return tuple(names)
