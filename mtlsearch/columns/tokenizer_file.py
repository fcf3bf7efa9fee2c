"""Tokenizers of Hugging Face, by the name of a model or from its folder."""

from functools import lru_cache
from pathlib import Path

from mtlsearch.errors import DataError
from mtlsearch.runtime.tokenized_text import vocabulary_size

FILE = "tokenizer.json"
EXTRA = "pip install 'mtlsearch[huggingface]'"


@lru_cache(maxsize=8)
def read_tokenizer(name: str) -> str:
    """Return a tokenizer as JSON.

    Args:
        name: The name of a model, such as `bert-base-uncased`, or the path of a folder that holds a
            `tokenizer.json`, or of that file.

    Raises:
        DataError: There is no such tokenizer, or the library for it is missing.
    """
    path = Path(name)
    text = _from_folder(path) if path.exists() else _from_hub(name)
    try:
        vocabulary_size(text)
    except ImportError as error:
        raise DataError(f'tokenizer "{name}": needs the tokenizers library: {EXTRA}') from error
    except Exception as error:  # the library raises Exception itself for a file it cannot read
        reason = " ".join(str(error).split())
        raise DataError(f'tokenizer "{name}": cannot be read ({reason})') from error
    return text


def _from_folder(path: Path) -> str:
    file = path / FILE if path.is_dir() else path
    if not file.is_file():
        raise DataError(
            f'tokenizer "{path}": the folder has no {FILE}; '
            "write it with AutoTokenizer.from_pretrained(...).save_pretrained(FOLDER)"
        )
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f'tokenizer "{path}": cannot be read ({error})') from error


def _from_hub(name: str) -> str:
    try:
        import tokenizers
    except ImportError as error:
        raise DataError(f'tokenizer "{name}": needs the tokenizers library: {EXTRA}') from error
    try:
        text: str = tokenizers.Tokenizer.from_pretrained(name).to_str()
    except Exception as error:
        # The library raises errors of many kinds for a name that is unknown and a machine that is
        # not reached.
        reason = " ".join(str(error).split())[:160]
        raise DataError(
            f'tokenizer "{name}": is no folder here and cannot be fetched by that name ({reason})'
        ) from error
    return text
