"""What the names of revisions, folders and repositories say: a template, and in it the step."""

from hallmarks.trajectory.others.names import NUMBER, Number, parse


def counting(name: str) -> Number | None:
    """The number of a name that says when a point was taken: its step, else its epoch, else its only one."""
    numbers = parse(name).numbers
    for wanted in (("step", "steps", "iter"), None):
        for number in numbers:
            if number.word in wanted if wanted else number.kind == "step":
                return number
    epoch = next((number for number in numbers if number.kind == "epoch"), None)
    plain = [number for number in numbers if number.kind == ""]
    return epoch or (plain[0] if len(plain) == 1 else None)


def step_of(name: str) -> int | None:
    """The step, or epoch, that a name says; None where it says none."""
    number = counting(name)
    return int(number.value) if number and float(number.value).is_integer() else None


def template_of(name: str) -> str:
    """The name with # for each number that grows in a trajectory; another stage or seed is another."""
    numbers, counted = parse(name).numbers, counting(name)
    text, at = "", 0
    for found, number in zip(NUMBER.finditer(name), numbers, strict=True):
        grows = number == counted or number.kind in {"step", "epoch"}
        text += name[at : found.start()] + ("#" if grows else found.group())
        at = found.end()
    return text + name[at:]
