"""Texts as the pieces of a tokenizer of Hugging Face: one column of sentences."""

from typing import ClassVar

from mtlsearch.arrays import Array
from mtlsearch.errors import DataError
from mtlsearch.inputs.column_fitting import fit_tokenizer
from mtlsearch.inputs.contract import (
    FittedInput,
    InputKind,
    InputSchema,
    SelectedColumns,
    SourceColumns,
)
from mtlsearch.inputs.texts import only_text
from mtlsearch.inputs.tokens import TokenSchema


class Pieces(InputKind):
    """A column of text falls into pieces only where a card says so, and by which tokenizer.

    To a network the pieces are tokens, whose ids are those of the tokenizer. All of them are known:
    an encoder that was trained on other texts has a vector for each.
    """

    name = "pieces"
    schema: ClassVar[type[InputSchema]] = TokenSchema
    default_space = "tokens"
    has_tokenizer = True

    def select(self, source: SourceColumns) -> SelectedColumns:
        """Return the one column of text, which has a tokenizer."""
        selected = only_text(source, self.name)
        for name, form in selected.forms.items():
            if form.tokenizer is None:
                raise DataError(
                    f"{source.where}: input: {self.name} needs a tokenizer: "
                    f"say columns: {{{name}: {{tokenizer: NAME or FOLDER}}}}"
                )
        return selected

    def fit(self, selected: SelectedColumns, non_test: Array, train: Array) -> FittedInput:
        """Find how many pieces the texts have that are not test rows; nothing else is fitted."""
        [(name, cells)] = selected.arrays.items()
        encoding = fit_tokenizer(name, cells, selected.forms[name], non_test)
        ids = tuple(range(encoding.vocabulary))
        schema = TokenSchema(encoding.length, len(ids), ids)
        return FittedInput(schema, (encoding,))
