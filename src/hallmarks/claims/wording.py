"""What a reader calls a claim's number."""

TITLES = {
    "mds": "ω",
    "mds_relative": "ω₀",
    "mds_every_2nd": "ω of every 2nd point",
    "mds_every_5th": "ω of every 5th point",
    "angle_updates": "angle between updates, °",
    "apex_origin": "apex angle at the origin, °",
    "apex_initialisation": "apex angle at the initialisation, °",
    "norm": "‖θ‖",
    "update_norm": "length of the updates",
    "distance_from_initialisation": "‖θ_T − θ₀‖",
    "test_accuracy": "test accuracy, %",
    "train_accuracy": "training accuracy, %",
}


def title_of(claim: dict, reads: str) -> str:
    """`angle between updates, °: mean`: the measure and how it became one number, which `reads` says."""
    measure = TITLES.get(claim["measure"], "" if reads else claim["measure"].replace("_", " "))
    reduced = reads or {"value": "", "mean": "mean"}.get(claim["reduce"], claim["reduce"])
    if measure.startswith("‖θ_T"):
        reduced = ""
    return ": ".join(filter(None, [measure, reduced]))


def shared(labels: list[str]) -> list[str]:
    """The parts that all labels have, which a reader needs once: of two and more, split at commas."""
    first, *others = [label.split(", ") for label in labels]
    return [part for part in first if others and all(part in other for other in others)]


def without(label: str, parts: list[str]) -> str:
    """A label without what is said elsewhere."""
    return ", ".join(part for part in label.split(", ") if part not in parts) or label
