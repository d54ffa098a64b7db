"""Drawn curves over the frames of a clip."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

BACKGROUND, PAPER, INK, FAINT = "#202020", "#2b2b2b", "#e8e8e8", "#8a8a8a"
LINE, WARN, FAIL = "#56b4e9", "#e69f00", "#d55e00"  # Okabe and Ito 2008
GAP, BAR, LEFT, FOOT = 12, 26, 60, 20  # px


@dataclass(frozen=True)
class Curve:
    """One number for every frame, and its limits."""

    title: str
    values: np.ndarray  # (frames,); NaN = not measured
    limits: tuple[float | None, float | None] = (None, None)  # production, good enough


def draw_curve(curve: Curve, width: int, height: int) -> Image.Image:
    """A panel with the curve, its limits as dashed lines, and its worst frame marked and named."""
    picture = Image.new("RGB", (width, height), PAPER)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(14)
    draw.text((GAP, 6), curve.title, font=font, fill=INK)
    key = width - GAP
    for limit, color, name in reversed(
        list(zip(curve.limits, (WARN, FAIL), ("production", "good enough"), strict=True))
    ):
        if limit is not None:
            text = f"{name} {limit:g}"
            key -= draw.textlength(text, font=font)
            draw.text((key, 6), text, font=font, fill=color)
            key -= 14
    values, count = np.asarray(curve.values, float), len(curve.values)
    known = np.flatnonzero(np.isfinite(values))
    box = (LEFT, BAR + 6, width - GAP, height - FOOT)
    if not len(known):
        draw.text((LEFT, (box[1] + box[3]) // 2 - 8), "not measured", font=font, fill=FAINT)
        return picture
    bottom, top = _range(values[known], curve.limits)

    def place(frame: float, value: float) -> tuple[float, float]:
        x = box[0] + (box[2] - box[0]) * frame / max(1, count - 1)
        return x, box[3] - (box[3] - box[1]) * (min(value, top) - bottom) / (top - bottom)

    _draw_axes(draw, box, (bottom, top), count)
    for limit, color in zip(curve.limits, (WARN, FAIL), strict=True):
        if limit is not None and limit < top:
            _dashed(draw, place(0, limit), place(count - 1, limit), color)
    for first, second in zip(known[:-1], known[1:], strict=True):
        if second == first + 1:
            draw.line((*place(first, values[first]), *place(second, values[second])), fill=LINE, width=2)
    worst = int(known[np.argmax(np.abs(values[known]))])
    _mark(draw, place(worst, values[worst]), f"frame {worst}: {values[worst]:.3g}", box, font)
    return picture


def _range(values: np.ndarray, limits: Sequence[float | None]) -> tuple[float, float]:
    """Zero to a little above the worst value, with the stricter limit always in sight."""
    highest = max(float(values.max()), 1.15 * (limits[0] or 0.0), 1e-6)
    lowest = float(values.min())
    if limits[0] is None and lowest > 0.2 * highest:  # a level that never nears zero, such as brightness
        room = max(highest - lowest, 2.0)
        return lowest - 0.3 * room, highest + 0.4 * room
    return min(0.0, lowest), 1.12 * highest


def _draw_axes(draw, box, span, count):
    small = ImageFont.load_default(12)
    step = 10 ** math.floor(math.log10(span[1] - span[0]))
    step = next(step * part for part in (0.2, 0.5, 1, 2) if (span[1] - span[0]) / (step * part) <= 5)
    tick = math.ceil(span[0] / step) * step
    while tick <= span[1]:
        y = box[3] - (box[3] - box[1]) * (tick - span[0]) / (span[1] - span[0])
        draw.line((box[0], y, box[2], y), fill="#3a3a3a")
        text = f"{tick:.4g}"
        draw.text((box[0] - 6 - draw.textlength(text, font=small), y - 7), text, font=small, fill=FAINT)
        tick += step
    for frame in sorted({0, (count - 1) // 2, count - 1}):
        x = box[0] + (box[2] - box[0]) * frame / max(1, count - 1)
        text = str(frame)
        draw.text((x - draw.textlength(text, font=small) / 2, box[3] + 3), text, font=small, fill=FAINT)


def _dashed(draw, start, end, color):
    x = start[0]
    while x < end[0]:
        draw.line((x, start[1], min(x + 8, end[0]), start[1]), fill=color, width=1)
        x += 14


def _mark(draw, at, text, box, font):
    draw.ellipse((at[0] - 4, at[1] - 4, at[0] + 4, at[1] + 4), outline=INK, width=2)
    length = draw.textlength(text, font=font)
    x = min(max(box[0], at[0] - length / 2), box[2] - length)
    y = at[1] - 24 if at[1] - 24 > box[1] - 6 else at[1] + 8  # above the curve where there is room
    draw.text((x, y), text, font=font, fill=INK)


def sheet(title: str, pictures: Sequence[tuple[str, Image.Image]], curves: Sequence[Curve], width: int) -> Image.Image:
    """Titled pictures in a row over the curves in two columns."""
    font, large = ImageFont.load_default(14), ImageFont.load_default(18)
    column, panel = (width - 3 * GAP) // 2, 170
    shown = []
    for name, picture in pictures:
        height = max(1, round(picture.height * column / picture.width))
        height = min(height, column)
        shown.append(
            (name, picture.resize((max(1, round(picture.width * height / picture.height)), height), Image.LANCZOS))
        )
    lines = textwrap.wrap(title, width // 10)[:2]  # about 10 px a letter
    top = GAP + BAR * max(1, len(lines))
    row = max((picture.height for _, picture in shown), default=0) + (BAR if shown else 0)
    rows = -(-len(curves) // 2)
    page = Image.new("RGB", (width, top + row + GAP + rows * (panel + GAP)), BACKGROUND)
    draw = ImageDraw.Draw(page)
    for number, line in enumerate(lines):
        draw.text((GAP, GAP - 2 + number * BAR), line, font=large, fill=INK)
    for number, (name, picture) in enumerate(shown):
        x = GAP + number * (column + GAP)
        draw.text((x, top + 4), _shorten(draw, name, column, font), font=font, fill=FAINT)
        page.paste(picture, (x, top + BAR))
    for number, curve in enumerate(curves):
        at = (GAP + number % 2 * (column + GAP), top + row + GAP + number // 2 * (panel + GAP))
        page.paste(draw_curve(curve, column, panel), at)
    return page


def _shorten(draw, text: str, room: int, font) -> str:
    if draw.textlength(text, font=font) <= room:
        return text
    while text and draw.textlength(text + "…", font=font) > room:
        text = text[:-1]
    return text + "…"
