"""The contact sheet of a campaign: one PNG, and one self-contained HTML page with verdicts."""

from __future__ import annotations

import base64
import html
import io
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from ..headless import files
from .ledger import Ledger, Outcome
from .plan import Task

THUMBNAIL = 220
COLUMNS = 6
MAX_PNG_JOBS = 600  # beyond this a single picture helps nobody; the page still holds all
COLORS = {
    "pass": "#2e7d32",
    "warn": "#b26a00",
    "fail": "#c62828",
    "failed": "#c62828",
    "open": "#666666",
    "": "#37474f",
}


def write(tasks: list[Task], ledger: Ledger) -> tuple[Path, Path]:
    """Write `contact_sheet.png` and `contact_sheet.html` into the ledger's folder."""
    entries = [(task, ledger.outcome(task) or Outcome("open")) for task in tasks]
    thumbnails = [_thumbnail(ledger.output, end) for _, end in entries]
    page = ledger.output / "contact_sheet.html"
    files.write_text(page, _page(entries, thumbnails))
    sheet = _sheet(entries[:MAX_PNG_JOBS], thumbnails[:MAX_PNG_JOBS])
    picture = ledger.output / "contact_sheet.png"
    files.write_atomically(picture, lambda temporary: sheet.save(temporary))
    return picture, page


def _thumbnail(folder: Path, end: Outcome) -> Image.Image:
    tile = Image.new("RGB", (THUMBNAIL, THUMBNAIL), "#2a2a2a")
    if end.state == "done":
        with Image.open(folder / end.picture) as opened:
            picture = opened.convert("RGB")
        picture.thumbnail((THUMBNAIL, THUMBNAIL), Image.LANCZOS)
        tile.paste(picture, ((THUMBNAIL - picture.width) // 2, (THUMBNAIL - picture.height) // 2))
    return tile


def _label(end: Outcome) -> str:
    return end.verdict if end.state == "done" else end.state


def _sheet(entries: list[tuple[Task, Outcome]], thumbnails: list[Image.Image]) -> Image.Image:
    gap, bar = 10, 36
    rows = -(-len(entries) // COLUMNS)
    size = (COLUMNS * (THUMBNAIL + gap) + gap, max(1, rows) * (THUMBNAIL + bar + gap) + gap)
    sheet = Image.new("RGB", size, "#181818")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for index, ((task, end), tile) in enumerate(zip(entries, thumbnails, strict=True)):
        x = gap + index % COLUMNS * (THUMBNAIL + gap)
        y = gap + index // COLUMNS * (THUMBNAIL + bar + gap)
        sheet.paste(tile, (x, y))
        label = _label(end)
        draw.rectangle((x, y + THUMBNAIL, x + THUMBNAIL, y + THUMBNAIL + bar), fill=COLORS[label])
        draw.text((x + 6, y + THUMBNAIL + 3), task.job.name[:32], font=font, fill="white")
        draw.text((x + 6, y + THUMBNAIL + 18), label or "done", font=font, fill="white")
    return sheet


def _page(entries: list[tuple[Task, Outcome]], thumbnails: list[Image.Image]) -> str:
    states = [end.state for _, end in entries]
    counts = ", ".join(f"{states.count(state)} {state}" for state in ("done", "failed", "open") if state in states)
    verdicts = [end.verdict for _, end in entries]
    counts += "".join(f", {verdicts.count(v)} {v}" for v in ("pass", "warn", "fail") if v in verdicts)
    tiles = "\n".join(_tile(task, end, tile) for (task, end), tile in zip(entries, thumbnails, strict=True))
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Contact sheet</title><style>
body {{ background: #181818; color: #eee; font: 14px system-ui, sans-serif; margin: 24px }}
main {{ display: grid; grid-template-columns: repeat(auto-fill, minmax({THUMBNAIL}px, 1fr)); gap: 12px }}
figure {{ margin: 0; background: #242424; border-radius: 6px; overflow: hidden }}
img {{ width: 100%; display: block }}
figcaption {{ padding: 8px; overflow-wrap: anywhere }}
.verdict {{ display: inline-block; padding: 1px 8px; border-radius: 9px; color: #fff }}
small {{ color: #aaa; display: block }}
</style></head><body><h1>Contact sheet</h1><p>{len(entries)} jobs: {counts}</p><main>
{tiles}
</main></body></html>
"""


def _tile(task: Task, end: Outcome, tile: Image.Image) -> str:
    buffer = io.BytesIO()
    tile.save(buffer, "JPEG", quality=80)
    source = "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
    name, label = html.escape(task.job.name), _label(end)
    detail = html.escape(end.error or end.summary)
    badge = f'<span class="verdict" style="background:{COLORS[label]}">{label or "done"}</span>'
    return (
        f'<figure><img src="{source}" alt="{name}"><figcaption>{badge} <b>{name}</b>'
        f"<small>row {task.job.row}</small><small>{detail}</small></figcaption></figure>"
    )
