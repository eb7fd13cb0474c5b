"""Text as tokens: what a network must know of it, and batches of sequences drawn from a long text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import PositiveInt

from hallmarks.config.strict import Strict
from hallmarks.data.prepared import read_contents
from hallmarks.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

CROPS = 3  # a stream of random numbers beside those of images and of entries
TEST_BATCH = 32


@dataclass(frozen=True)
class TokenShape:
    """What a network must know of its tokens: how many there are, and how many a sequence has."""

    vocabulary: int
    length: int

    def examples(self, number: int) -> Tensor:
        """Sequences of this shape, all of the first token."""
        import torch

        return torch.zeros(number, self.length, dtype=torch.int64)


class Text(Strict):
    """A long text as tokens. Training draws sequences from all of it; an epoch is a number of them."""

    inputs: ClassVar[str] = "tokens"
    needs_source: ClassVar[bool] = False
    decoded: ClassVar[bool] = False
    name: str
    length: PositiveInt
    """Tokens a sequence, each of which is predicted from those before it."""
    sequences: PositiveInt
    """Of an epoch, each drawn anew from anywhere in the training text."""
    test_sequences: PositiveInt
    """Evenly spread over the test text."""

    @property
    def tokens(self) -> int:
        """How many different tokens there are."""
        raise NotImplementedError  # each set of texts says it

    def check(self) -> None:
        """Raise UserError where this cannot be run; whether the text is long enough is seen on loading."""

    @property
    def training_examples(self) -> int:
        return self.sequences

    @property
    def test_examples(self) -> int:
        return self.test_sequences

    @property
    def shape(self) -> TokenShape:
        """Of the sequences as a network sees them."""
        return TokenShape(self.tokens, self.length)

    def describe(self) -> str:
        return f"{self.name} ({self.sequences:,} sequences of {self.length} tokens an epoch)"

    def batches(self, folder: Path, batch_size: int, seed: int, device: Any) -> TokenBatches:
        """What a run trains on and is tested on, from a prepared folder. Raises UserError."""
        (train, test, facts), _ = read_contents(self.name, folder)
        for part, tokens in {"training": train, "test": test}.items():
            if len(tokens) <= self.length:
                raise UserError(
                    f"data.length: {self.length} tokens and the next, and the {part} text of {self.name} has "
                    f"{len(tokens):,}"
                )
            if int(tokens.max()) >= self.tokens:
                raise UserError(
                    f"data: the {part} text of {self.name} has the token {int(tokens.max())}, and there are "
                    f"{self.tokens}, from 0 on"
                )
        return TokenBatches(train, test, self, facts["bytes_per_token"], batch_size, seed, device)


class TokenBatches:
    """Batches of sequences and of what follows each token, int64 [N, length] both.

    A function of (seed, epoch, index). `bytes_per_token` is that of the text, None where it is not known.
    """

    def __init__(
        self,
        train: np.ndarray,
        test: np.ndarray,
        settings: Text,
        bytes_per_token: float | None,
        batch_size: int,
        seed: int,
        device: Any,
    ):
        import torch

        self.train, self.test_text = (torch.from_numpy(tokens).to(device) for tokens in (train, test))
        self.shape, self.bytes_per_token = settings.shape, bytes_per_token
        self.sequences, self.test_sequences = settings.sequences, settings.test_sequences
        self.steps_per_epoch = self.sequences // batch_size
        self.batch_size, self.seed = batch_size, seed
        self._starts: tuple[int, Tensor] | None = None

    def batch(self, epoch: int, index: int) -> tuple[Tensor, Tensor]:
        """The batch `index` of an epoch."""
        if self._starts is None or self._starts[0] != epoch:
            self._starts = epoch, self.draw(epoch)
        return self.cut(self.train, self._starts[1][index * self.batch_size : (index + 1) * self.batch_size])

    def draw(self, epoch: int) -> Tensor:
        """Where the sequences of an epoch begin, int64 [sequences], evenly over the text."""
        import torch

        from hallmarks.data.draws import generator

        last = len(self.train) - self.shape.length
        return torch.randint(last, (self.sequences,), generator=generator(CROPS, self.seed, epoch))

    def test(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The test sequences in order."""
        import torch

        last = len(self.test_text) - self.shape.length - 1
        starts = torch.linspace(0, last, self.test_sequences, dtype=torch.float64).long()
        for part in starts.split(TEST_BATCH):
            yield self.cut(self.test_text, part)

    def cut(self, text: Tensor, starts: Tensor) -> tuple[Tensor, Tensor]:
        """The sequences that begin there, and the same one token on."""
        import torch

        places = starts[:, None] + torch.arange(self.shape.length + 1)
        tokens = text[places.to(text.device)].long()
        return tokens[:, :-1], tokens[:, 1:]
