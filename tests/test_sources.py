"""A rule's sources are what its command imports, no more and no less."""

from pathlib import Path

from hallmarks.runs.sources import sources


def test_measuring_uses_no_training():
    used = sources("commands.measure")
    names = {str(Path(path).relative_to(Path(path).parents[1])) for path in used}
    assert "measures/table.py" in names and "commands/measure.py" in names
    assert not any("models" in path or "figures" in path for path in used)
    assert all(Path(path).is_file() for path in used)


def test_the_map_uses_the_kernel_and_one_kind_of_picture():
    used = " ".join(sources("commands.map"))
    assert (
        "figures/maps.py" in used
        and "figures/angles.py" not in used
        and "kernel" in used
        and "trajectory/reader.py" in used
        and "formats/safetensors.py" in used
    )
