"""What must hold before a long run: each check says what it found and, where it fails, what to do."""

from typing import NamedTuple


class Check(NamedTuple):
    """One finding. `remedy` is empty where all is well."""

    name: str
    found: str
    remedy: str = ""


def render_checks(checks: list[Check]) -> str:
    """A line a check, and below each that failed what to do."""
    width = max(len(check.name) for check in checks)
    lines, failed = [], sum(bool(check.remedy) for check in checks)
    for name, found, remedy in checks:
        lines.append(f"{'FAIL' if remedy else 'ok':4}  {name:{width}}  {found}")
        lines += [f"{'':{width + 8}}→ {remedy}"] * bool(remedy)
    return "\n".join([*lines, "", f"{len(checks)} checks, {failed or 'none'} failed"])
