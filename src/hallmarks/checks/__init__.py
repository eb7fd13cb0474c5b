"""What must hold before a long run: each check says what it found and, where it fails, what to do."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One finding. `remedy` is empty where all is well."""

    name: str
    found: str
    remedy: str = ""


def render_checks(checks: list[Check]) -> str:
    """A line a check, and below each that failed what to do."""
    width = max(len(check.name) for check in checks)
    lines = []
    for check in checks:
        lines.append(f"{'FAIL' if check.remedy else 'ok':4}  {check.name:{width}}  {check.found}")
        if check.remedy:
            lines.append(f"{'':{width + 8}}→ {check.remedy}")
    failed = sum(bool(check.remedy) for check in checks)
    lines.append(f"\n{len(checks)} checks, {failed or 'none'} failed")
    return "\n".join(lines)
