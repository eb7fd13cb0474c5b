"""The numbers in a checkpoint's name, each with the word that says what it counts."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from hallmarks.trajectory.formats import suffix_of

STEPS = {"step", "steps", "iter", "iters", "iteration", "iterations", "it", "update", "updates", "batch"}
STEPS |= {"batches", "globalstep", "token", "tokens", "samples", "nstep", "tstep"}
EPOCHS = {"epoch", "epochs", "ep", "e"}
PARTS = {"rank", "shard", "part", "mp", "tp", "pp", "consolidated", "of", "proc", "process", "worker", "dp"}
RUNS = {"seed", "fold", "run", "trial", "rep", "replica", "split", "cv", "exp", "experiment", "job", "member"}
RUNS |= {"lr", "wd", "bs", "momentum", "dropout", "width", "depth", "layers", "heads", "alpha", "beta", "sd"}
METRICS = {"loss", "acc", "accuracy", "top", "f", "auc", "auroc", "map", "iou", "miou", "psnr", "ssim", "fid"}
METRICS |= {"bleu", "rouge", "ppl", "perplexity", "error", "err", "wer", "cer", "mse", "mae", "rmse", "score"}
METRICS |= {
    "reward",
    "return",
    "val",
    "valid",
    "test",
    "train",
    "metric",
    "dice",
    "corr",
    "cider",
    "bpb",
    "nll",
}

UNITS = {"k": 10**3, "m": 10**6, "b": 10**9, "g": 10**9}
WORD_BEFORE = re.compile(r"([A-Za-z]+)[^A-Za-z0-9]*$")
NUMBER = re.compile(
    r"(?P<commit>(?<![A-Za-z0-9])(?=[0-9a-f]*[a-f])(?=[0-9a-f]*[0-9])[0-9a-f]{6,40}(?![A-Za-z0-9]))"
    r"|(?P<date>(?<!\d)(?:19|20)(?:\d\d([-_.])\d\d?\3\d\d?|\d{6}(?=[T_-]\d{6}(?!\d)))"
    r"(?:[T_ -]+(?:\d\d[-:.]\d\d(?:[-:.]\d\d)?|\d{6}))?(?!\d))"
    r"|(?P<day_first>(?<!\d)\d\d?([-_./])\d\d?\5(?:19|20)\d\d(?!\d))"
    r"|(?P<thousands>(?<!\d)\d{1,3}(?:,\d{3})+(?!\d))"
    r"|(?P<exponent>(?:(?<![A-Za-z\d])\d+(?:\.\d+)?e\+?|(?<!\d)\d+(?:\.\d+)?e-)\d+(?![A-Za-z\d]))"
    r"|(?P<unit>\d+(?:\.\d+)?[kKmMbBG](?![A-Za-z0-9]))"
    r"|(?P<decimal>(?<!\d\.)(?<!\d)\d+\.\d+(?!\.?\d))"
    r"|(?P<whole>\d+)"
)


@dataclass(frozen=True)
class Number:
    """A number in a name: what kind of thing it counts, the word that says so, and its value.

    `kind` is step, epoch, part, run, metric, date, day_first, commit, or "" where the word says nothing.
    """

    kind: str
    word: str
    value: float


@dataclass(frozen=True)
class Name:
    """A checkpoint's name: its text with `#` for each number, and the numbers."""

    text: str
    numbers: tuple[Number, ...]


def stem(path: Path) -> str:
    """A name without the suffix that says its format."""
    return path.name.removesuffix(suffix_of(path.name)) if not path.is_dir() else path.name


def parse(stem: str) -> Name:
    """The text and the numbers of a name, without its suffix."""
    numbers: list[Number] = []
    text, at = "", 0
    for found in NUMBER.finditer(stem):
        between = stem[at : found.start()]
        text += between + "#"
        at = found.end()
        word = WORD_BEFORE.search(between)
        numbers.append(_number(found, word[1].lower() if word else "", numbers))
        if numbers[-1].word == "of" and len(numbers) > 1:  # 00001-of-00002
            numbers[-2] = replace(numbers[-2], kind="part")
    return Name(text + stem[at:], tuple(numbers))


def _number(found: re.Match, word: str, before: list[Number]) -> Number:
    form, written = found.lastgroup, found.group()
    match form:
        case "commit":
            return Number("commit", word, 0)
        case "date" | "day_first":  # digits in the order of time
            digits = "".join(part.zfill(2) for part in re.findall(r"\d+", written))
            return Number(form, word, int(digits.ljust(14, "0")))
        case "thousands":
            return Number(kind_of(word, before), word, int(written.replace(",", "")))
        case "unit":
            return Number(kind_of(word, before), word, float(written[:-1]) * UNITS[written[-1].lower()])
        case "whole":
            return Number(kind_of(word, before), word, int(written))
    value = float(written)
    kind = kind_of(word, before)
    return Number(kind if kind or value.is_integer() else "metric", word, value)


def kind_of(word: str, before: list[Number]) -> str:
    """What a number counts, by the word before it."""
    if word in EPOCHS:
        return "epoch"
    if word == "s" and any(number.kind == "epoch" for number in before):
        return "step"
    for kind, words in {"step": STEPS, "part": PARTS, "run": RUNS, "metric": METRICS}.items():
        if word in words:
            return kind
    return "step" if word.endswith(("step", "steps", "iter")) else ""
