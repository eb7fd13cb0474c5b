"""The judged claims as one web page."""

import html
from typing import Any

import pandas as pd

from hallmarks.claims.judging import summary
from hallmarks.claims.kinds.number import TOLERANCE
from hallmarks.claims.verdicts import VERDICTS
from hallmarks.page import page

STYLE = """
table { font-size: 14px }
th:nth-child(2), th:nth-child(3), th:last-child { width: 18% }
th:nth-child(4) { width: 40% }
small { color: #666; display: block }
b { white-space: nowrap }
b::before { content: "● " }
.v0 b { color: #00695c } .v1 b { color: #8a6100 } .v2 b { color: #a8210f } .v3 b { color: #666 }
"""


def render_claims(table: pd.DataFrame, scale: str) -> str:
    """The judged claims as one HTML page."""
    body = f"""<p>{html.escape(summary(table))}.</p>
<p>A claim of order holds in all seeds if the measure rises strictly along its variations for each seed; in
the mean if the means over seeds do. A claim about each run holds in all seeds if it does in every run; in the
mean if it does in the mean of every variation. A number of the paper's is judged at its own scale only, to
{TOLERANCE:.0%}. Ours: mean ± standard deviation over seeds.</p>
{render_table(table)}"""
    return page(f"The paper's claims, at {scale} scale", body, STYLE)


def render_table(table: pd.DataFrame) -> str:
    """The judged claims as an HTML table; all their text is text, whatever it holds."""
    head = "".join(f"<th>{name}</th>" for name in ["Section", "Claim", "Paper", "Ours", "Verdict"])
    return f"""<table><thead><tr>{head}</tr></thead>
<tbody>
{chr(10).join(map(render_row, table.itertuples()))}
</tbody></table>"""


def render_row(row: Any) -> str:
    """One claim."""
    paper, ours = lines(row.paper.replace(" < ", " <\n")), lines(row.ours.replace("; ", "\n"))
    note = f"<small>{html.escape(row.note)}</small>" if row.note else ""
    return (
        f'<tr class="v{VERDICTS.index(row.verdict)}" id="{html.escape(row.id)}">'
        f"<td>{html.escape(row.section)}</td><td>{html.escape(row.statement)}</td>"
        f"<td>{paper}</td><td>{ours}</td><td><b>{html.escape(row.verdict)}</b>{note}</td></tr>"
    )


def lines(text: str) -> str:
    """Text of several lines."""
    return "".join(f"<div>{html.escape(line)}</div>" for line in text.splitlines())
