"""A progress bar for the terminal, with the interface of `comfy.utils.ProgressBar`."""

from __future__ import annotations

import sys
import time

WIDTH = 30
MIN_SECONDS_BETWEEN_DRAWS = 0.1


class ProgressBar:
    """Draws on standard error when that is a terminal, and stays silent otherwise."""

    label = ""  # set by the runner: which node is at work

    def __init__(self, total: int, node_id: str | None = None):
        self.total, self.current, self.drawn = total, 0, 0.0

    def update_absolute(self, value: float, total: float | None = None, preview=None) -> None:
        self.total = total or self.total
        self.current = min(value, self.total)
        done = self.current >= self.total
        if not sys.stderr.isatty() or (not done and time.monotonic() - self.drawn < MIN_SECONDS_BETWEEN_DRAWS):
            return
        self.drawn = time.monotonic()
        filled = round(WIDTH * self.current / max(self.total, 1))
        end = "\n" if done else ""
        sys.stderr.write(f"\r{self.label[:40]:40} [{'#' * filled}{'.' * (WIDTH - filled)}]{end}")
        sys.stderr.flush()

    def update(self, value: float) -> None:
        self.update_absolute(self.current + value)
