"""What a video model sees in its first frame: focus, ringing, stairs, specks, burnt areas, bands, blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ..imaging import artifacts, color, edge_quality, masks
from ..imaging.edge_quality import Edges
from ..imaging.intake import Intake
from .finding import Finding, largest_part
from .report import Measurement
from .thresholds import threshold

REPAIR_PX = 6  # a repair reaches this far around a flaw
RINGING_EDGE = 0.2  # an edge that swings by this share of its contrast is marked
BLOCKS_VISIBLE_SCALE = 2.0  # shrunk by more, blocks of 8 px are less than 4 on the canvas and are gone


@dataclass(frozen=True)
class Seen:
    """What a video model sees, and what several checks read off it."""

    image: Tensor  # (1, 3, h, w)
    edges: Edges
    lightness: np.ndarray  # (h, w), CIE L*


def see(canvas: Tensor) -> Seen:
    """Find the edges and the lightness of a canvas (1, 3, h, w)."""
    return Seen(canvas, edge_quality.find_edges(canvas), color.lightness(canvas)[0, 0].cpu().numpy())


def canvas_findings(seen: Seen, edit: np.ndarray | None = None) -> list[Finding]:
    """Judge a canvas as a whole.

    Args:
        edit: (h, w) bool; of specks those within it count alone: drops and stars of the approved picture are meant.
    """
    return [
        focus(seen.edges),
        _ringing(seen.edges),
        _jagged(seen.edges),
        _specks(seen.lightness, edit),
        _burnt(seen.image),
        _banded(seen.image),
    ]


def focus(edges: Edges, region: np.ndarray | None = None, subject: str = "") -> Finding:
    """How wide the sharpest edges are; with a region, within it."""
    metric = "subject_edge_px" if subject else "focus_edge_px"
    width = edge_quality.edge_width_px(edges, region)
    if width is None:
        return Finding(Measurement(metric, None, None, "too few strong edges", subject))
    missed = width > threshold(metric).production
    detail = "soft in, soft in motion: render it sharper, or sharpen it" if missed else ""
    place = None if region is None else largest_part(region)
    return Finding(Measurement(metric, width, place, detail, subject), region)


def _ringing(edges: Edges) -> Finding:
    value, at, strength = edge_quality.ringing(edges)
    if value is None:
        return Finding(Measurement("ringing_overshoot", None, None, "too few isolated edges"))
    where = np.zeros(edges.plane.shape, bool)
    marked = at[strength > RINGING_EDGE]
    where[marked[:, 0], marked[:, 1]] = True
    where = masks.dilated(where, REPAIR_PX)
    return Finding(Measurement("ringing_overshoot", max(0.0, value), largest_part(where)), where)


def _jagged(edges: Edges) -> Finding:
    value, judged = edge_quality.jaggedness(edges)
    if value is None:
        return Finding(Measurement("jagged_edge_energy", None, None, "too few oblique edges"))
    where = masks.dilated(judged, REPAIR_PX)
    return Finding(Measurement("jagged_edge_energy", value, largest_part(where)), where)


def _specks(lightness: np.ndarray, edit: np.ndarray | None) -> Finding:
    found = artifacts.specks(lightness)
    if edit is not None:
        found = found[edit[found[:, 1], found[:, 0]]]
    where = np.zeros(lightness.shape, bool)
    where[found[:, 1], found[:, 0]] = True
    where = masks.dilated(where, 2 * REPAIR_PX)
    return Finding(Measurement("floating_specks", len(found), largest_part(where)), where)


def _burnt(canvas: Tensor) -> Finding:
    where = artifacts.burnt(canvas)
    return Finding(Measurement("burnt_fraction", float(where.mean()), largest_part(where)), where)


def _banded(canvas: Tensor) -> Finding:
    where = artifacts.banding(canvas)
    return Finding(Measurement("banded_fraction", float(where.mean()), largest_part(where)), where)


def blocks(image: Tensor, plan: Intake, *, compresses: bool) -> Measurement:
    """Compression blocks of a still (1, 3, H, W), in its own pixels: only there is their grid known."""
    if compresses:
        return Measurement("blockiness_excess", None, None, "this model compresses the still itself")
    if plan.scale > BLOCKS_VISIBLE_SCALE:
        return Measurement("blockiness_excess", None, None, "blocks would be under 4 px on the canvas")
    return Measurement("blockiness_excess", artifacts.blockiness(image[(..., *plan.window)]))
