"""Any text that is tokenised already: a folder of `train.npy`, `test.npy` and, if known, `facts.json`."""

import json
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from pydantic import PositiveInt

from hallmarks.data.contents import Contents
from hallmarks.data.tokens import Text
from hallmarks.errors import UserError

WANTED = "train.npy and test.npy, each one row of whole numbers, the tokens of a text"


class Settings(Text):
    """A text of any tokens, from the folder that `data.tokens` of the configuration names."""

    needs_source: ClassVar[bool] = True
    name: Literal["tokens"] = "tokens"
    vocabulary: PositiveInt
    """How many different tokens there are, from 0 on."""

    @property
    def tokens(self) -> int:
        return self.vocabulary

    @classmethod
    def prepared_bytes(cls) -> int:
        """What a prepared folder takes on disk is known of the text only."""
        return 0


def read(source: Path | None) -> Contents:
    """Two texts as they are, and the bytes of a token: `facts.json`'s "bytes_per_token". Raises UserError."""
    if source is None:
        raise UserError(
            f"tokens: name the folder that holds {WANTED} (`data: {{tokens: FOLDER}}`, or --source FOLDER)"
        )
    texts = {f"{name}.npy": text(source / f"{name}.npy") for name in ("train", "test")}
    return Contents(
        texts | {"facts.json": {"bytes_per_token": bytes_per_token(source)}}, str(source.resolve()), []
    )


def text(path: Path) -> np.ndarray:
    """The tokens of one text, of an unsigned type or int64, as torch can index. Raises UserError."""
    try:
        tokens = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; the folder should hold {WANTED}") from None
    except (ValueError, EOFError) as error:
        raise UserError(f"{path}: not an array of numpy ({error})") from None
    if tokens.ndim != 1 or tokens.dtype.kind not in "iu" or not len(tokens):
        raise UserError(
            f"{path}: has the shape {tokens.shape} of {tokens.dtype}; it should be one row of tokens"
        )
    if int(tokens.min()) < 0 or int(tokens.max()) > np.iinfo(np.int32).max:
        raise UserError(f"{path}: has the tokens {tokens.min()} to {tokens.max()}; they count from 0")
    return tokens.astype(np.uint8 if tokens.max() < 256 else np.int32)


def bytes_per_token(source: Path) -> float | None:
    """As `facts.json` says; None where it is not there. Raises UserError."""
    path = source / "facts.json"
    try:
        number = float(json.loads(path.read_text())["bytes_per_token"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f'{path}: should be {{"bytes_per_token": a number}} ({error})') from None
    if not 0 < number < 1000:
        raise UserError(f"{path}: {number:g} bytes a token cannot be")
    return number
