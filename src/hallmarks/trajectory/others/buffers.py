"""Which tensors of a state dict are no parameters: by their names, their types, and whether they move.

A tensor is a parameter unless it is known to be none: running statistics and counters by their names; masks,
tables and frequencies by their names where they are also the same in every point; integers where they are the
same in every point. Nothing is left out without a word.
"""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from hallmarks.errors import UserError
from hallmarks.trajectory.layout import INTEGERS, SIZES
from hallmarks.trajectory.others.values import equal
from hallmarks.trajectory.tensor import Tensor

# No parameters, whatever they hold: statistics, counters, what spectral norm and pruning keep.
BUFFERS = re.compile(
    r"(^|\.)((running|moving)_(mean|var(iance)?)|num_batches_tracked|_extra_state|n_averaged|weight_[uvg]?_?mask"
    r"|parametrizations\.\w+\.\d+\._[uv]|(activation_)?(post_process|fake_quant)\.\w+)$"
)
OF_ORIGINAL = re.compile(r"(.+)_(u|v|mask)$")  # beside NAME_orig: spectral norm's vectors, pruning's mask
LOSSES = re.compile(
    r"(^|\.)((best|val|valid|train|test|last|running|ema|avg|mean|global|total|current|num)_)*"
    r"(loss|acc\d?|accuracy|score|metric|lr|epochs?|steps?|iter(ation)?s?|updates|decay)$"
)
# No parameters where they do not move.
FREQUENCIES = re.compile(
    r"(^|[._])(inv_freq|freqs?(_cis)?|freq_cis|(cos|sin)(_cached)?|rope_cache|timescale)$"
    r"|(^|\.)(pe|pos_enc|pos(itional)?_encodings?|pos(ition)?_table|sinusoid\w*)$"
    r"|(^|\.)(pixel_|image_)?(mean|std)$|(^|\.)(mel_filters|window|mel_scale\.fb|relative_coords_table)$"
    r"|(^|\.)(sqrt_|log_)?(recip_|recipm1_|one_minus_)?(betas|alphas|alphas_cumprod(_prev)?)$"
    r"|(^|\.)posterior_(variance|log_variance_clipped|mean_coef[12])$"
)
MASKS = re.compile(r"(^|[._])(\w*mask|tril|triu|masked_bias)$")
SQUARE_MASKS = re.compile(r"(^|[._])(attn|attention|self)\.bias$")  # a bias is one too, but no square
WEIGHTS = re.compile(r"(^|[._])q?weights?(_packed|_quantized|_int\d)?$")


def why_not(
    name: str,
    found: Sequence[tuple[Path, Tensor]],
    names: Sequence[str],
    only: Sequence[str],
    leave_out: Sequence[str],
) -> str:
    """Why a tensor is no parameter, "" where it is one. Raises UserError where that cannot be told."""
    if any(fnmatchcase(name, pattern) for pattern in leave_out):
        return "as asked"
    if only:
        return "" if any(fnmatchcase(name, pattern) for pattern in only) else "as asked"
    tensor = found[0][1]
    original = OF_ORIGINAL.match(name)
    if BUFFERS.search(name) or (original and f"{original[1]}_orig" in names):
        return "buffers"
    if tensor.numel == 1 and LOSSES.search(name):
        return "buffers"
    if tensor.dtype in INTEGERS:
        return integers(name, found, names)
    square = len(tensor.shape) > 1 and tensor.shape[-1] == tensor.shape[-2]
    known = FREQUENCIES.search(name) or MASKS.search(name) or (square and SQUARE_MASKS.search(name))
    readable = tensor.dtype in SIZES and tensor.numel and same_shape(found)
    return "buffers" if known and readable and constant(found) else ""


def integers(name: str, found: Sequence[tuple[Path, Tensor]], names: Sequence[str]) -> str:
    """Integers are buffers where they do not move, and counters where they are one number; else refused."""
    path, tensor = found[0]
    if tensor.numel <= 1:
        return "integers"
    scaled = any(f"{name}{end}" in names for end in ("_scale", "_scales", "_scale_inv", ".scale", ".absmax"))
    if WEIGHTS.search(name) or scaled or not same_shape(found) or not constant(found):
        raise UserError(
            f"{path}: {name} is stored as {tensor.dtype}: weights kept as integers are not read; dequantise "
            f"and save it, or leave it out: --leave-out '{name}'"
        )
    return "integers"


def same_shape(found: Sequence[tuple[Path, Tensor]]) -> bool:
    return len({(tensor.shape, tensor.dtype in SIZES) for _, tensor in found}) == 1


def constant(found: Sequence[tuple[Path, Tensor]]) -> bool:
    """Whether a tensor holds the same values in every point."""
    (_, first), *others = found
    return all(equal(first, tensor) for _, tensor in others)
