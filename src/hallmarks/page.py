"""A table as one web page that needs nothing else: the report and any browser show it."""

import html
from pathlib import Path
from typing import TYPE_CHECKING

from hallmarks.files import write

if TYPE_CHECKING:
    import pandas as pd

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 75em; padding: 0 1em; color: #222 }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .45em .8em; border-bottom: 1px solid #ddd }
th { border-bottom: 2px solid #222 }
"""


def page(title: str, body: str, style: str = "") -> str:
    """The page's HTML; `title` is text, `body` is HTML."""
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>{html.escape(title)}</title>
<style>{STYLE}{style}</style></head><body>
<h1>{html.escape(title)}</h1>
{body}
</body></html>
"""


def write_table(stem: Path | str, table: "pd.DataFrame", content: str) -> None:
    """Write the table as `stem`.csv, and the page that shows it, `stem`.html. Raises UserError."""
    write(Path(f"{stem}.html"), content)
    write(Path(f"{stem}.csv"), table.to_csv(index=False))
