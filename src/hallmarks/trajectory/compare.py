"""Whether points belong together: the same tensors, of the same shapes, in the same memory order."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from hallmarks.errors import UserError
from hallmarks.trajectory.tensor import Tensor


def compare_points(points: Sequence[tuple[Path, Mapping[str, Tensor]]]) -> None:
    """Raise UserError where a point lacks a tensor of the first, has one more, or another shape."""
    first, expected = points[0]
    for path, tensors in points[1:]:
        for name in expected:
            if name not in tensors:
                raise UserError(f"{path}: lacks the tensor {name} that {first} holds")
        for name, tensor in tensors.items():
            if name not in expected:
                raise UserError(f"{path}: holds the tensor {name} that {first} lacks")
            if tensor.shape != expected[name].shape:
                raise UserError(
                    f"{path}: {name} has the shape {list(tensor.shape)}, "
                    f"not {list(expected[name].shape)} as in {first}"
                )
            if tensor.strides != expected[name].strides:
                raise UserError(
                    f"{path}: {name} is laid out in another memory order than in {first}; save it contiguous"
                )


def compare_with_description(
    path: Path, shapes: Mapping[str, Sequence[int]], parameters: Mapping[str, dict]
) -> None:
    """Raise UserError where a point's tensors are not the parameters that trajectory.json describes."""
    if differing := sorted(parameters.keys() ^ shapes.keys()):
        raise UserError(f"{path}: its tensors differ from trajectory.json's, {differing[0]} among them")
    for name, told in parameters.items():
        if list(shapes[name]) != told["shape"]:
            raise UserError(f"{path}: {name} has the shape {list(shapes[name])}, not {told['shape']}")
