"""Read a light off the shadow that something in the scene already casts."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from . import color, masks
from .projection import ShadowLight, project_shadow

SEARCH_SIDE = 160  # coarse search; direction and length need no more
REFINE_SIDE = 320
AZIMUTHS = range(0, 360, 15)
ELEVATIONS = (15, 25, 35, 45, 55, 65, 75)
SOFT_SHARES = (0.02, 0.05, 0.1, 0.2)  # penumbra of the top, in object heights
MIN_CONFIDENCE = 0.3  # a weaker match is a coincidence of texture
WINDOW = 2.5  # the search looks so many object heights around the object
SHADING_CONFIDENCE = 0.25  # most that a gradient of brightness alone can say
MIN_GROUND_PX = 50  # of ground, below which nothing can be read off it
BORDER_PX = 1.5  # pixels this close to the object's edge belong to both


def estimate_light(
    image: Tensor, given: ShadowLight, *, reference: Tensor | None, depth: float, foreshortening: float
) -> ShadowLight:
    """Direction, elevation, softness and density of the scene's light.

    With a reference object the light is the one whose projected shadow of that object explains the darkness around it
    best (analysis by synthesis). Without, only the side that the picture is brighter on can be read, with little
    confidence, and the rest stays as given.

    Args:
        image: (1, 3, H, W).
        given: what stays where nothing is found.
        reference: (1, 1, H, W), an object of the scene with its shadow in sight, without the shadow.
        depth, foreshortening: as in `projection.project_shadow`.

    Returns:
        The light, with a confidence in [0, 1] and a sentence about it.
    """
    if reference is None or not bool((reference > 0.5).any()):
        return _from_shading(image, given)
    found, score = _search(image, reference, depth, foreshortening, given)
    if score < MIN_CONFIDENCE:
        reason = f"no shadow of the reference object found (best match {score:.2f}); the settings were used"
        return replace(given, confidence=0.0, reason=reason)
    reason = (
        f"read off the reference object's shadow: azimuth {found.azimuth_deg:.0f} deg, elevation "
        f"{found.elevation_deg:.0f} deg, density {found.opacity:.2f}, match {score:.2f}"
    )
    return replace(found, confidence=score, reason=reason)


def _search(image, reference, depth, foreshortening, given) -> tuple[ShadowLight, float]:
    coarse = _Evidence(image, reference, SEARCH_SIDE, depth, foreshortening)
    start = [
        replace(given, azimuth_deg=float(a), elevation_deg=float(e), softness_px=0.06 * coarse.object_px)
        for a in AZIMUTHS
        for e in ELEVATIONS
    ]
    best = max(start, key=coarse.score)
    fine = _Evidence(image, reference, REFINE_SIDE, depth, foreshortening)
    best = max((replace(best, softness_px=share * fine.object_px) for share in SOFT_SHARES), key=fine.score)
    for turn, rise, factor in ((8, 8, 1.6), (4, 4, 1.4), (2, 2, 1.25), (1, 1, 1.15)):
        best = _climb(best, fine, turn, rise, factor)
    return replace(best, opacity=fine.density(best)), fine.score(best)


def _climb(best: ShadowLight, evidence: _Evidence, turn: float, rise: float, factor: float) -> ShadowLight:
    """Move one quantity at a time while the match improves."""
    score = evidence.score(best)
    for _ in range(6):
        trials = [replace(best, azimuth_deg=(best.azimuth_deg + d) % 360) for d in (-turn, turn)]
        trials += [replace(best, elevation_deg=min(max(best.elevation_deg + d, 5), 88)) for d in (-rise, rise)]
        trials += [replace(best, softness_px=best.softness_px * f) for f in (1 / factor, factor)]
        scores = [evidence.score(trial) for trial in trials]
        if max(scores) <= score + 1e-4:
            return best
        score = max(scores)
        best = trials[scores.index(score)]
    return best


class _Evidence:
    """How well a light explains the darkness of the ground around the reference object."""

    def __init__(self, image: Tensor, reference: Tensor, side: int, depth: float, foreshortening: float):
        height, width = image.shape[2:]
        self.scale = min(1.0, side / max(height, width))
        size = [max(2, round(edge * self.scale)) for edge in (height, width)]
        self.matte = F.interpolate(reference.float(), size, mode="area")
        light = color.luma(color.srgb_to_linear(F.interpolate(image, size, mode="area"))).clamp(min=1e-3)
        box = masks.bounding_box(self.matte > 0.5) or (0, 0, size[1], size[0])
        self.object_px = box[3] / self.scale
        distance = masks.signed_distance((self.matte > 0.2).float())
        rows = torch.arange(size[0], device=image.device).view(1, 1, -1, 1)
        ground = rows >= box[1] + 0.5 * box[3]  # above, behind the object, there may be a wall
        self.where = (distance < -BORDER_PX) & (distance > -WINDOW * max(box[2], box[3])) & ground
        self.dark = -torch.log(light)[self.where]
        self.depth, self.foreshortening, self.side = depth, foreshortening, side

    def predict(self, light: ShadowLight) -> Tensor:
        small = replace(light, softness_px=light.softness_px * self.scale)
        shade = project_shadow(self.matte, small, depth=self.depth, foreshortening=self.foreshortening)
        return shade[self.where]

    def score(self, light: ShadowLight) -> float:
        """Correlation of predicted shade and measured darkness."""
        shade = self.predict(light)
        if len(shade) < MIN_GROUND_PX or float(shade.std()) < 1e-3:
            return 0.0
        a, b = shade - shade.mean(), self.dark - self.dark.mean()
        return max(0.0, float((a * b).mean() / (a.std() * b.std()).clamp(min=1e-6)))

    def density(self, light: ShadowLight) -> float:
        """Share of the light that the shadow takes: its core against the lit ground."""
        shade = self.predict(light)
        if not len(shade):
            return light.opacity
        core, lit = self.dark[shade > 0.9 * float(shade.max())], self.dark[shade < 0.02]
        if not len(core) or not len(lit):
            return light.opacity
        return min(max(1 - math.exp(-float(core.median() - lit.median())), 0.0), 1.0)


def _from_shading(image: Tensor, given: ShadowLight) -> ShadowLight:
    """The side that the picture is brighter on, from a plane through log luminance."""
    small = F.interpolate(image, (32, 32), mode="area")
    log_light = torch.log(color.luma(color.srgb_to_linear(small)).clamp(min=1e-3)).flatten().double()
    y, x = torch.meshgrid(*(torch.linspace(-1, 1, 32, dtype=torch.float64),) * 2, indexing="ij")
    design = torch.stack((x.flatten(), y.flatten(), torch.ones(1024, dtype=torch.float64)), 1).to(log_light.device)
    slope = torch.linalg.lstsq(design, log_light[:, None]).solution[:, 0]
    explained = float(1 - (log_light - design @ slope).var() / log_light.var().clamp(min=1e-9))
    confidence = SHADING_CONFIDENCE * max(0.0, explained)
    azimuth = math.degrees(math.atan2(-float(slope[1]), float(slope[0]))) % 360
    if confidence < 0.1 * SHADING_CONFIDENCE:
        return replace(given, confidence=0.0, reason="the picture shows no side of the light; the settings were used")
    reason = (
        f"only the brighter side of the picture was read (azimuth {azimuth:.0f} deg); connect reference_mask with an "
        "object that casts a shadow to be surer"
    )
    return replace(given, azimuth_deg=azimuth, confidence=confidence, reason=reason)
