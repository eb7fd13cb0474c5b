"""How the claims' page looks: readable in grey, from a phone's width to a desk's, light or printed."""

PAGE = """
body { max-width: 78em; margin: 1.2em auto }
h1 { margin: 0 0 .3em; font-size: 1.6em } h2 { margin: 0; font-size: 1.2em } h3 { margin: 0; font-size: 1em }
p { margin: .25em 0 }
"""

# Of what may stand in a notebook as well.
STYLE = """
ul { margin: .3em 0; padding: 0; list-style: none }
details { margin: .5em 0; color: #444; max-width: 60em } summary { cursor: pointer }
a { color: inherit; text-decoration-color: #aaa } a:hover { text-decoration-color: currentColor }
.counts span { display: inline-block; font-weight: 600; margin-right: .8em }
.v0 b, .counts .v0 { color: #00564b } .v1 b, .counts .v1 { color: #7a5600 }
.v2 b, .counts .v2 { color: #a8210f } .v3 b, .counts .v3, .v b { color: #666 }
main, .cards { display: grid; gap: 1em;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 32em), 1fr)) }
main { grid-auto-flow: dense; gap: 2em 1em; margin-top: 1.5em }
section, article { min-width: 0; overflow-wrap: anywhere }
section { border-top: 2px solid #222; padding-top: .4em }
.wide { grid-column: 1 / -1 }
.common, .source { color: #555; font-size: .85em }
.common { min-height: 1.45em; margin-bottom: .8em; max-width: 75em }
article { border: 1px solid #ddd; border-left: 5px solid #bbb; border-radius: 3px; padding: .55em .8em }
article.v0 { border-left: 5px solid #00796b } article.v1 { border-left: 5px double #b07c00 }
article.v2 { border-left: 5px dashed #c0392b }
.verdict small { color: #555 }
.rows { display: grid; grid-template-columns: minmax(0, max-content) minmax(9em, 1fr) max-content;
  gap: 0 .7em; font-size: 13px; margin-top: .5em }
.labels div, .values div { height: 24px; line-height: 24px; white-space: nowrap; overflow: hidden;
  text-overflow: ellipsis }
.labels { min-width: 0 }
.values { font-variant-numeric: tabular-nums }
.strip { display: block; width: 100%; height: calc(var(--n) * 24px); overflow: visible }
.ticks { position: relative; height: 16px; font-size: 11px; color: #555; border-top: 1px solid #999 }
.ticks span { position: absolute; transform: translateX(-50%); white-space: nowrap }
.strip circle { fill: none; stroke: #222; stroke-width: 1.2 }
.strip .mean { stroke: #000; stroke-width: 2.2 }
.strip .spread { stroke: #888; stroke-width: 2.2 }
.strip .grid { stroke: #e4e4e4 } .strip .limit { stroke: #555; stroke-dasharray: 2 2 }
.strip .claimed { fill: #e9eef0 }
.strip .rises { stroke: #00796b; stroke-width: 1.2; opacity: .7 }
.strip .falls { stroke: #c0392b; stroke-width: 1.6; stroke-dasharray: 4 3 }
.strip .paper { font-size: 15px; text-anchor: middle; dominant-baseline: central; fill: #333 }
@media (max-width: 640px) {
  .rows { grid-template-columns: minmax(0, 1fr) max-content }
  .picture { grid-area: 1 / 1 / 2 / 3; padding-top: 15px }
  .labels { grid-area: 1 / 1 } .values { grid-area: 1 / 2 }
  .labels div, .values div { height: 42px; line-height: 18px }
  .strip { height: calc(var(--n) * 42px) }
  .labels, .values { position: relative; z-index: 1; pointer-events: none } .labels a { pointer-events: auto }
}
"""

# Inside the report the page is no file, and has nothing beside it.
SCRIPT = """
<script>
if (location.protocol === "data:") {
  for (const link of document.querySelectorAll('a[href^="../"]')) link.removeAttribute("href");
}
</script>"""
