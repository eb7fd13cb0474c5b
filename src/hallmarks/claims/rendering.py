"""The judged claims as one web page: a section an experiment, and in it each claim with its picture."""

import html
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

import pandas as pd

from hallmarks.claims.judging import Judged
from hallmarks.claims.kinds.number import TOLERANCE
from hallmarks.claims.strip import strip
from hallmarks.claims.style import PAGE, SCRIPT, STYLE
from hallmarks.claims.verdicts import MARKS, MEAN, NOT, VERDICTS, spread
from hallmarks.claims.wording import shared, title_of, without
from hallmarks.page import page

EXPLAINED = f"""<details><summary>How to read it</summary>
<p>A ring is a run, one a seed; the bar is their mean and the line ± one standard deviation. Where the paper
claims an <b>order</b>, rows stand in it: the line from mean to mean goes to the right where it holds, and is
dashed where it does not. Where it claims a <b>bound</b>, the shaded part is where the values are to lie. So
it is where rows are to <b>match</b> the last one: at its mean less its standard deviation, or above. ◇ is the
paper's <b>number</b>, or the limit to which values are to <b>tend</b> from row to row.</p>
<p><i>Holds in all seeds</i>: for each seed against the same seed, or in each run that a bound is about.
<i>Holds in the mean</i>: over seeds, while some seed says otherwise. A number is judged at the paper's own
scale only, to {TOLERANCE:.0%}; elsewhere it stands beside ours.</p>
<p>A figure's name opens it, a variation's name the folder of its runs. They lie beside this page, among the
results: inside the report, which is one file, find a figure by its name in the menu.</p></details>"""


def render_claims(judged: list[Judged], settings: dict[str, Any]) -> str:
    """The judged claims as one HTML page; `settings` are those of the table."""
    title = f"The paper's claims, at {settings['scale']} scale"
    return page(title, render_body(judged, settings) + SCRIPT, PAGE + STYLE)


def render_inline(judged: list[Judged], settings: dict[str, Any]) -> str:
    """The same for a notebook."""
    return f"<style>{STYLE}</style>{render_body(judged, settings)}"


def render_body(judged: list[Judged], settings: dict[str, Any]) -> str:
    """The page without its head; all text of the configuration is text, whatever it holds."""
    groups: dict[tuple[str, str], list[Judged]] = {}
    for each in judged:
        kind = "experiments" if each.claim.get("experiment") else "studies"
        groups.setdefault((kind, each.claim.get("experiment") or each.claim.get("study", "")), []).append(
            each
        )
    sections = [render_section(kind, name, group, settings) for (kind, name), group in groups.items()]
    return f"""<p class="counts">{counts(judged)}</p>
{render_failing(judged)}
{EXPLAINED}
<main>
{chr(10).join(sections)}
</main>"""


def counts(judged: list[Judged]) -> str:
    """How many claims have which verdict, and how many numbers."""
    groups: dict[str, list[str]] = {"claims of order, and of what happens along a run": [], "numbers": []}
    for each in judged:
        groups[list(groups)[each.claim["kind"] == "number"]].append(each.verdict)
    return "<br>".join(
        f"{len(verdicts)} {name}: "
        + " ".join(
            f'<span class="{class_of(verdict)}">{MARKS[verdict]} {verdicts.count(verdict)} {verdict}</span>'
            for verdict in VERDICTS
            if verdict in verdicts
        )
        for name, verdicts in groups.items()
        if verdicts
    )


def render_failing(judged: list[Judged]) -> str:
    """Links to the claims that do not hold, or in the mean only."""
    rows = [
        f'<li class="{class_of(verdict)}"><b>{MARKS[verdict]} {html.escape(verdict)}:</b> '
        f'<a href="#{html.escape(each.claim["id"])}">{html.escape(each.claim["statement"])}</a></li>'
        for verdict in (NOT, MEAN)
        for each in judged
        if each.verdict == verdict
    ]
    return f"<ul>{''.join(rows)}</ul>" if rows else ""


def render_section(kind: str, name: str, group: list[Judged], settings: dict[str, Any]) -> str:
    """An experiment or a study: what all its claims share, and they."""
    about = settings.get(kind, {}).get(name, {})
    labels = list(dict.fromkeys(label for each in group for label in each.claim.get("runs", {})))
    common = shared(labels) if labels else []
    of_numbers: dict[str, list[Judged]] = {}
    for each in group:
        if each.claim["kind"] == "number":
            of_numbers.setdefault(each.claim["measure"], []).append(each)
    cards = [render_claim(each, common, settings) for each in group if each.claim["kind"] != "number"]
    cards += [render_numbers(numbers, settings) for numbers in of_numbers.values()]
    seeds = group[0].claim.get("seeds", [])
    facts = [
        f"task {about['task']}: {about['recipe']}" if about.get("task") else "",
        f"here with {', '.join(common)}" if common else "",
        f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))} (n = {len(seeds)})" if seeds else "",
    ]
    heading = " ".join(filter(None, [about.get("section"), about.get("title", name)]))
    wide = ' class="wide"' if len(cards) > 1 else ""
    return f"""<section{wide} id="{html.escape(f"{kind}-{name}")}"><h2>{html.escape(heading)}</h2>
<p class="common">{html.escape("; ".join(filter(None, facts)))}</p>
<div class="cards">{"".join(cards)}</div></section>"""


def render_claim(each: Judged, common: list[str], settings: dict[str, Any]) -> str:
    """A claim of order, or of what happens along a run."""
    claim, seeds = each.claim, each.evidence.seeds
    above = claim.get("above")
    if claim["kind"] == "matches" and len(reference := list(seeds.values())[-1]) > 1:
        above = reference.mean() - reference.std()
    picture = strip(
        seeds,
        rising=claim["kind"] == "order",
        limits=(above, claim.get("below")),
        marks=dict.fromkeys(seeds, claim["limit"]) if "limit" in claim else {},
    )
    labels = [linked(folder_of(claim, label), without(label, common)) for label in seeds]
    note = each.note.partition("; in the mean ")[0]  # the picture shows which
    rows = render_rows(labels, picture, numbers_of(seeds))
    return card(each.verdict, note, claim["statement"], [each], rows, settings)


def numbers_of(rows: dict[str, pd.Series]) -> list[str]:
    """Mean and standard deviation of each row, with as many digits as the largest has."""
    largest = max((abs(values.mean()) for values in rows.values()), default=0)
    return [spread(values, counted=False, largest=largest) for values in rows.values()]


def render_numbers(group: list[Judged], settings: dict[str, Any]) -> str:
    """The paper's numbers of one measure, beside ours: the verdict of each, said once where all agree."""
    verdicts = {(each.verdict, each.note) for each in group}
    (verdict, note) = verdicts.pop() if len(verdicts) == 1 else ("", "")
    rows, labels = {}, []
    for each in group:
        ((variation, values),) = each.evidence.seeds.items()
        statement = each.claim["statement"]
        rows[statement] = values
        label = linked(folder_of(each.claim, variation), statement)
        own = "" if verdict else f"{MARKS[each.verdict]} {html.escape(each.verdict)}: "
        labels.append(f'<span id="{html.escape(each.claim["id"])}">{own}{label}</span>')
    marks = {each.claim["statement"]: float(each.claim["paper"]) for each in group}
    numbers = [f"{ours} ◇ {each.paper}" for ours, each in zip(numbers_of(rows), group, strict=True)]
    title = f"The paper's number{'s' * (len(group) > 1)}"
    return card(verdict, note, title, group, render_rows(labels, strip(rows, marks=marks), numbers), settings)


def card(
    verdict: str, note: str, title: str, group: list[Judged], rows: str, settings: dict[str, Any]
) -> str:
    """A claim, or several numbers, with the verdict and what it rests on."""
    first = group[0]
    said = f"<b>{MARKS[verdict]} {html.escape(verdict)}</b>" if verdict else ""
    called = (
        "" if len(group) > 1 or first.claim["kind"] == "number" else f' id="{html.escape(first.claim["id"])}"'
    )
    source = [html.escape(first.claim["section"]), html.escape(title_of(first.claim, first.evidence.reads))]
    source += [*shown_in(group, settings)]
    return f"""<article class="{class_of(verdict)}"{called}>
<h3>{html.escape(title)}</h3>
<p class="verdict">{said} <small>{html.escape(note)}</small></p>
{rows}
<p class="source">{" · ".join(filter(None, source))}</p></article>"""


def render_rows(labels: list[str], picture: str, values: list[str]) -> str:
    """Labels, the picture and the numbers side by side, a row a variation; `labels` are HTML."""
    said = "".join(f"<div>{html.escape(value)}</div>" for value in values)
    return f"""<div class="rows" style="--n:{len(labels)}"><div class="labels">{
        "".join(f"<div>{label}</div>" for label in labels)
    }</div><div class="picture">{picture}</div><div class="values">{said}</div></div>"""


def shown_in(group: Iterable[Judged], settings: dict[str, Any]) -> Iterable[str]:
    """Links to the figure that shows a claim, and to the table of its study."""
    figures = list(dict.fromkeys(each.claim.get("figure") for each in group if each.claim.get("figure")))
    for name in figures:
        yield linked(f"figures/{name}.png", settings.get("figures", {}).get(name, name))
    studies = list(dict.fromkeys(each.claim.get("study") for each in group if each.claim.get("study")))
    for name in studies:
        yield linked(f"tables/{name}.html", f"table {name}")


def folder_of(claim: dict, label: str) -> str:
    """The folder of a variation's runs, below the results; "" of a study's."""
    runs = claim.get("runs", {}).get(label)
    return f"runs/{runs[0].rpartition('/')[0]}/" if runs else ""


def linked(path: str, text: str) -> str:
    """Text that leads to what lies below the results, beside the page's folder."""
    text = html.escape(text)
    return f'<a href="{html.escape(quote(f"../{path}"))}">{text}</a>' if path else f"<span>{text}</span>"


def class_of(verdict: str) -> str:
    return f"v{VERDICTS.index(verdict)}" if verdict else "v"
