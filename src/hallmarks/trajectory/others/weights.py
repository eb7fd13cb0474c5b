"""Which file of a folder that is one checkpoint holds the model: the one place that says so.

1. What model hubs name: `model.safetensors`, `adapter_model…`, `diffusion_pytorch_model…`,
   `pytorch_model.bin`, each whole or by the index of its shards, in the order in which `from_pretrained`
   looks; the same name in another format is the same model again.
2. DeepSpeed's `mp_rank_00_model_states.pt`, and in it the key `module`.
3. Else the one file of weights that is there, optimizers and the like aside (OLMo's `model.pt`, Ray's
   `checkpoint.pt`).
4. Else that of the one folder within that has any (diffusers' `unet/`, DeepSpeed's `global_step100/`).

Several are refused, with their names: `--weights NAME` says which.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from hallmarks.errors import UserError
from hallmarks.trajectory.formats import INDEX, suffix_of, whole_files
from hallmarks.trajectory.formats.shards import shards_of
from hallmarks.trajectory.others.names import parse

# Beside a model: optimizers, schedules, random states, data loaders. Whole names, without suffix.
BESIDE = re.compile(
    r"(?!.*model)(?:.*[._-])?(?:optim(?:izer)?s?|optim(?:izer)?_states?|opt|(?:lr_)?scheduler|sched"
    r"|(?:grad_)?scaler|sampler|meta|rng(?:_states?)?|random_states?|training_args"
    r"|train(?:er)?(?:_state)?|dataloader|loader)(?:[._-]?\d+)*",
    re.IGNORECASE,
)
SHARD = re.compile(r"(.+)-(\d+)-of-(\d+)$")
DEEPSPEED = re.compile(r"mp_rank_(\d+)_model_states\.pt$")
SAME_MODEL = ("adapter_model", "diffusion_pytorch_model", "model", "pytorch_model")
DEPTH = 2


@dataclass(frozen=True)
class Weights:
    """The file that holds a checkpoint's model, the key in it that its layout gives, and what it stands for.

    `passed` are the names beside it that say the same model again, such as a stale index of shards.
    """

    file: Path
    key: str | None = None
    passed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """A point: the path to name it by, and where its weights are."""

    path: Path
    weights: Weights


def is_weights(path: Path) -> bool:
    """Whether a name is that of a file of weights, as far as names go."""
    return bool(suffix_of(path.name)) and not BESIDE.fullmatch(path.name.removesuffix(suffix_of(path.name)))


def weights_of(folder: Path, named: str | None = None, depth: int = DEPTH) -> Weights | None:
    """The weights of a folder that is one checkpoint, or None. Raises UserError for several."""
    if named is not None:
        return _named(folder, named)
    whole = list(whole_files(folder))
    if whole:
        file, known = whole[0], {path.name for path in whole}
        if file.name.endswith(INDEX):
            shards_of(file)
        prefixes = tuple(f"{name}{mark}" for name in SAME_MODEL for mark in ("-", ".")) + tuple(known)
        others = [path for path in files_of(folder) if not path.name.startswith(prefixes)]
        families = dict.fromkeys(family_of(path.name) for path in whole)
        if len(families) > 1 or others:
            firsts = [next(path for path in whole if family_of(path.name) == family) for family in families]
            raise several(folder, [*firsts, *others])
        return Weights(file, passed=tuple(path.name for path in whole[1:]))
    files = files_of(folder)
    states = [path for path in files if DEEPSPEED.search(path.name)]
    if states:
        if len(states) > 1:
            raise UserError(
                f"{folder}: holds {len(states)} parts of one model ({states[0].name}, …); put "
                "them together first, as zero_to_fp32.py or the trainer's own converter does"
            )
        return of_file(states[0])
    if len(files) == 1:
        return of_file(files[0])
    if files:
        raise shards_alone(folder, files) or several(folder, files)
    inner = []
    for path in sorted(path for path in listed(folder) if path.is_dir()):
        if depth > 1 and (found := weights_of(path, None, depth - 1)):
            inner.append(found)
    if len(inner) > 1:
        raise several(folder, [found.file for found in inner])
    return inner[0] if inner else None


def files_of(folder: Path) -> list[Path]:
    """The files of weights in a folder, by their names."""
    return sorted(path for path in listed(folder) if path.is_file() and is_weights(path))


def listed(folder: Path) -> list[Path]:
    """What a folder holds, hidden names left out. Raises UserError where it cannot be looked into."""
    try:
        return [path for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError as error:
        raise UserError(f"{folder}: cannot be read ({error.strerror})") from None


def _named(folder: Path, named: str) -> Weights | None:
    path = folder / named
    if path.is_dir():
        return weights_of(path)
    return of_file(path) if path.is_file() else None


def of_file(path: Path) -> Weights:
    """A file as weights, with the key that its layout gives."""
    return Weights(path, "module" if DEEPSPEED.search(path.name) else None)


def family_of(name: str) -> str:
    """What a file's name says it is of: an adapter, a part of a diffusion pipeline, or a model."""
    return next((family for family in SAME_MODEL[:2] if name.startswith(family)), "model")


def several(folder: Path, files: list[Path]) -> UserError:
    """What to say of a folder in which more than one file may be the model."""
    names = ", ".join(str(path.relative_to(folder)) for path in files[:6])
    parsed = [parse(str(path.relative_to(folder))) for path in files]
    if len({name.text for name in parsed}) == 1 and len(set(parsed)) > 1:
        if any(number.kind == "part" for number in parsed[0].numbers):
            return UserError(f"{folder}: holds parts of one model ({names}); put them together first")
        return UserError(f"{folder}: holds several checkpoints ({names}), not one; give this folder itself")
    return UserError(
        f"{folder}: holds the weights of more than one model ({names}); "
        f"give --weights {files[0].relative_to(folder)}, or another, or --skip {folder.name}"
    )


def shards_alone(folder: Path, files: list[Path]) -> UserError | None:
    """What to say where all files are shards of one checkpoint and the index is not there."""
    found = [SHARD.fullmatch(path.name.removesuffix(suffix_of(path.name))) for path in files]
    if not all(found):
        return None
    return UserError(
        f"{folder}: holds shards of one checkpoint ({files[0].name}, …) without their index; fetch "
        f"{found[0][1]}{suffix_of(files[0].name)}{INDEX} too"
    )
