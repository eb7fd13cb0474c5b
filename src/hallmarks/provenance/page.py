"""An audit as one page that needs nothing else: the graph from data to figures, and every verdict."""

import html
import json
import re

from hallmarks.page import page
from hallmarks.provenance.audit import Audit, Node
from hallmarks.provenance.tree import about, line, plain
from hallmarks.provenance.words import WORDS

COLUMNS = ["data", "runs", "kernels", "measures", "studies", "figures", "tables"]
WIDTH, HEIGHT, GAP, TOP = 200, 17, 36, 34  # pixels: of a box, of a row, between columns, above the first row
LETTERS = 30  # that fit in a box, the seed at the end too

STYLE = """
body { max-width: none; margin: 1.5em 2em }
svg { font: 10.5px system-ui, sans-serif; display: block }
svg rect { stroke: #fff; cursor: pointer }
svg text { pointer-events: none; fill: #fff }
svg text.head { fill: #222; font-size: 13px; font-weight: 600 }
svg path { fill: none; stroke: #999; stroke-opacity: .28 }
svg.picked rect, svg.picked text.name, svg.picked path { opacity: .1 }
svg.picked .on { opacity: 1; stroke-opacity: .8 }
.graph { overflow-x: auto; border: 1px solid #ddd; padding: .5em; max-height: 75vh; overflow-y: auto }
.word { color: #fff; border-radius: 3px; padding: .05em .45em; white-space: nowrap; font-size: 13px }
td small { color: #555; display: block; overflow-wrap: anywhere }
p.verdict { font-size: 18px }
label { margin-right: 1.5em }
body.few tr.fine { display: none }
"""

SCRIPT = """
const parts = JSON.parse(document.getElementById('parts').textContent);
const svg = document.querySelector('svg'), uses = {};
for (const [name, made] of Object.entries(parts)) for (const part of made) (uses[part] ??= []).push(name);
function reach(name, next, found) {
  if (found.has(name)) return found;
  found.add(name);
  for (const other of next[name] ?? []) reach(other, next, found);
  return found;
}
let picked = null;
function pick(name) {
  picked = picked === name ? null : name;
  svg.classList.toggle('picked', picked !== null);
  const on = picked === null ? new Set() :
    new Set([...reach(name, parts, new Set()), ...reach(name, uses, new Set())]);
  for (const each of svg.querySelectorAll('[data-name]'))
    each.classList.toggle('on',
      on.has(each.dataset.name) && (!each.dataset.part || on.has(each.dataset.part)));
}
svg?.addEventListener('click', event => event.target.dataset.name && pick(event.target.dataset.name));
document.getElementById('few').addEventListener('change', event =>
  document.body.classList.toggle('few', event.target.checked));
"""


def audit_page(audit: Audit, roots: list[str], verdict: str) -> str:
    """The page's HTML: verdict, graph, a row a result, and what the words mean."""
    nodes = sorted(
        audit.nodes.values(), key=lambda node: (not node.finding, column(node), natural(node.name))
    )
    rows = "".join(row(audit, node) for node in nodes)
    words = "".join(
        f"<tr><td>{badge(word.name)}</td><td>{html.escape(word.means)}"
        f"{'' if word.finding else ' (no finding)'}</td></tr>"
        for word in WORDS.values()
    )
    made_of = {plain(node.name): [plain(part) for part in node.parts] for node in nodes}
    parts = json.dumps(made_of, ensure_ascii=False).replace("</", "<\\/")
    body = f"""<p class="verdict">{html.escape(verdict)}</p>
<p>Each box is a result, made of those to the left that it is joined to; a click shows all that it rests
on, and all that rests on it.</p>
<div class="graph">{graph(nodes)}</div>
<h2>Results</h2>
<label><input type="checkbox" id="few"> only those of which something is to be said</label>
<table><thead><tr><th>verdict</th><th>result</th><th>why, and how it was made</th></tr></thead>
<tbody>{rows}</tbody></table>
<h2>What the words mean</h2><table><tbody>{words}</tbody></table>
<script type="application/json" id="parts">{parts}</script><script>{SCRIPT}</script>"""
    return page("Provenance of the results", body, STYLE)


def column(node: Node) -> int:
    """The column of a result; what an auditor brought comes last."""
    room = node.name.partition("/")[0]
    return COLUMNS.index(room) if room in COLUMNS else len(COLUMNS)


def natural(name: str) -> list[tuple[int, str]]:
    """fig2 before fig10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"([0-9]+)", name)]


def badge(word: str) -> str:
    return f'<span class="word" style="background: {WORDS[word].colour}">{html.escape(word)}</span>'


def row(audit: Audit, node: Node) -> str:
    told = [line(node, colour=False).partition("  ")[2]] if node.said else []
    words = [f"<small>{html.escape(text)}</small>" for text in [*told, *about(audit, node)]]
    if node.record:
        words.append(
            f"<small>record {node.record.name[:16]}…, key {node.record.content['key'][:16]}…</small>"
        )
    fine = ' class="fine"' if not node.said else ""
    name = html.escape(plain(node.name))
    return f"<tr{fine}><td>{badge(node.word)}</td><td>{name}</td><td>{''.join(words)}</td></tr>"


def graph(nodes: list[Node]) -> str:
    """Columns from data to tables, a box a result, a line for each that it was made of."""
    used = sorted({column(node) for node in nodes})
    place, rows = {}, dict.fromkeys(used, 0)
    for node in sorted(nodes, key=lambda node: natural(node.name)):
        at = column(node)
        place[node.name] = (used.index(at) * (WIDTH + GAP), TOP + rows[at] * (HEIGHT + 3))
        rows[at] += 1
    heads = [
        f'<text class="head" x="{number * (WIDTH + GAP)}" y="16">{(COLUMNS + ["others"])[at]}</text>'
        for number, at in enumerate(used)
    ]
    lines, boxes = [], []
    for node in nodes:
        x, y = place[node.name]
        name, title = html.escape(plain(node.name), quote=True), html.escape(line(node, colour=False))
        for part in node.parts:
            px, py = place[part]
            start, end, middle = px + WIDTH, x, HEIGHT / 2
            bend = (start + end) / 2
            lines.append(
                f'<path data-name="{name}" data-part="{html.escape(plain(part), quote=True)}" '
                f'd="M{start} {py + middle} C{bend} {py + middle} {bend} {y + middle} {end} {y + middle}"/>'
            )
        boxes.append(
            f'<rect data-name="{name}" x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="3" '
            f'fill="{WORDS[node.word].colour}"><title>{title}</title></rect>'
            f'<text class="name" data-name="{name}" x="{x + 5}" y="{y + 12}">'
            f"{html.escape(short(node.name))}</text>"
        )
    width, height = len(used) * (WIDTH + GAP), TOP + max(rows.values(), default=0) * (HEIGHT + 3)
    return f'<svg width="{width}" height="{height}" role="img">{"".join(heads + lines + boxes)}</svg>'


def short(name: str) -> str:
    """The name without its room, its middle left out where it is long."""
    own = plain(name.partition("/")[2] or name)
    return own if len(own) <= LETTERS else f"{own[: LETTERS // 2 - 1]}…{own[-LETTERS // 2 :]}"
