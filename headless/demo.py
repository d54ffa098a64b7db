"""`python . demo`: surgical strikes on the sample photographs, without ComfyUI and without weights."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..checks.report import Report
from ..imaging import color, masks, overlay
from ..imaging.crop import crop, plan_crop
from ..imaging.zones import Zones, edit_and_lock_masks, zones_mask
from . import files, runner

ROOT = Path(__file__).resolve().parent.parent
PHOTOS = ROOT / "assets" / "photos"
WORKFLOW = ROOT / "workflows" / "api" / "2_surgical_strike.json"


@dataclass(frozen=True)
class Scene:
    """A photograph, its zones, and the recoloring that the stand-in for an edit model was asked for."""

    photo: str
    zones: tuple[dict, ...]
    object_color: str  # the object's present color; its hue tells the object from the rest
    new_color: str
    hue_width_deg: float = 25.0
    object_zone: dict | None = None  # where the object is when the zone around it holds other things of its hue


def _zone(role: str, name: str, shape: str, *points: tuple[float, float], prompt: str = "") -> dict:
    return {"name": name, "role": role, "shape": shape, "points": [list(point) for point in points], "prompt": prompt}


SCENES = (
    Scene(
        "coffee.png",
        (
            _zone("edit", "saucer", "ellipse", (0.07, 0.08), (0.86, 1.01), prompt="turquoise cup and saucer"),
            _zone("anchor", "espresso", "ellipse", (0.31, 0.06), (0.668, 0.475)),
        ),
        object_color="#a4260d",
        hue_width_deg=5.0,
        object_zone=_zone("edit", "saucer and cup", "ellipse", (0.122, 0.15), (0.798, 0.968)),
        new_color="#1d9a8a",
    ),
    Scene(
        "astronaut.png",
        (
            _zone(
                "edit", "suit", "polygon", (0.0, 0.62), (0.13, 0.46), (0.24, 0.38), (0.58, 0.33), (0.69, 0.55),
                (0.72, 1.01), (0.0, 1.01), prompt="a blue flight suit",
            ),
            _zone("anchor", "face", "ellipse", (0.33, 0.08), (0.57, 0.42)),
            _zone("anchor", "mission patch", "ellipse", (0.257, 0.665), (0.42, 0.825)),
        ),
        object_color="#e0622a",
        new_color="#3a63c8",
    ),
    Scene(
        "chelsea.png",
        (
            _zone("edit", "left eye", "ellipse", (0.28, 0.26), (0.49, 0.54), prompt="amber eyes"),
            _zone("edit", "right eye", "ellipse", (0.62, 0.34), (0.82, 0.6), prompt="amber eyes"),
            _zone("anchor", "nose", "box", (0.44, 0.62), (0.62, 0.9)),
        ),
        object_color="#8f9440",
        new_color="#c0772a",
    ),
)  # fmt: skip


def object_mask(image: Tensor, scene: Scene, zones: Zones) -> Tensor:
    """The object that a scene recolors, told by its hue inside its zone.

    Args:
        image: (1, 3, H, W).

    Returns:
        (1, 1, H, W), soft at the edge.
    """
    height, width = image.shape[2:]
    seen = zones.select("*edit")
    if scene.object_zone:
        seen = Zones.from_json(json.dumps([scene.object_zone]))
    zone = masks.gaussian_blur(zones_mask(seen, width, height), 1.5)
    lab = color.srgb_to_oklab(image)
    old = color.srgb_to_oklab(color.swatch(scene.object_color, image))[:, 1:]
    chroma = lab[:, 1:].norm(dim=1, keepdim=True)
    angle = torch.atan2(lab[:, 2:], lab[:, 1:2]) - torch.atan2(old[:, 1:], old[:, :1])
    angle = torch.rad2deg(torch.atan2(angle.sin(), angle.cos())).abs()
    return zone * ((2 - angle / scene.hue_width_deg) * 2).clamp(0, 1) * (chroma / 0.05 - 0.5).clamp(0, 1)


def stand_in_model(image: Tensor, scene: Scene, zones: Zones, *, seed: int = 0) -> Tensor:
    """What an instruction-editing model does to a picture: the edit that was asked for, and drift everywhere else.

    The object takes a new hue at its own lightness; the whole frame gets a little softer, warmer and less contrasty
    and loses its grain, as after a pass through a VAE.

    Args:
        image: (1, 3, H, W).
    """
    lab = color.srgb_to_oklab(image)
    old, new = (color.srgb_to_oklab(color.swatch(name, image))[:, 1:] for name in (scene.object_color, scene.new_color))
    chroma = lab[:, 1:].norm(dim=1, keepdim=True)
    recolored = chroma * new / new.norm(dim=1, keepdim=True) * (new.norm() / old.norm())
    lab = torch.cat((lab[:, :1], torch.lerp(lab[:, 1:], recolored, object_mask(image, scene, zones))), 1)
    soft = masks.gaussian_blur(color.oklab_to_srgb(lab).clamp(0, 1), 0.6)
    gain = torch.tensor([1.02, 1.0, 0.97]).view(1, 3, 1, 1)
    noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(seed)) * 0.002
    return ((soft - 0.5) * 0.97 * gain + 0.51 + noise).clamp(0, 1)


def strike(scene: Scene, output: Path) -> tuple[Path, Report]:
    """Run the surgical-strike workflow on one scene; returns the saved picture and its report."""
    zones = Zones.from_json(json.dumps(scene.zones))
    name = Path(scene.photo).stem
    original = files.read_image(PHOTOS / scene.photo)[0]
    edited = output / f"{name}_patch_by_model.png"
    picture = original.movedim(3, 1)
    edit, _ = edit_and_lock_masks(picture, zones)
    patch = crop(stand_in_model(picture, scene, zones), plan_crop(edit))
    files.write_png(edited, patch.movedim(1, 3)[0])
    result = runner.run(
        runner.load_workflow(WORKFLOW),
        folders=files.Folders((PHOTOS,), output),
        provided={"Model edit": edited},
        sets=(
            f"Approved picture.image={scene.photo}",
            f"Zones.zones={zones.to_json()}",
            f"Save.filename_prefix={name}_after",
            "Gate.on_fail=pass",  # a demo shows its failures, too
        ),
    )
    (saved,) = [path for paths in result.images.values() for path in paths]
    after = output / f"{name}_after.png"
    saved.replace(after)
    shutil.copyfile(PHOTOS / scene.photo, output / f"{name}_before{Path(scene.photo).suffix}")
    (verdict,) = [report for reports in result.reports.values() for report in reports if "passed" in report]
    files.write_text(output / f"{name}_report.json", json.dumps(verdict["report"], indent=1))
    _write_sheet(output / f"{name}_sheet.png", original, zones, edited, after)
    return after, Report.from_json(json.dumps(verdict["report"]))


def _write_sheet(path: Path, original: Tensor, zones: Zones, edited: Path, after: Path) -> None:
    """Before, zones, what the model returned, after, and where the result differs from the original."""
    before = original.movedim(3, 1)
    result = files.read_image(after)[0].movedim(3, 1)
    height, width = before.shape[2:]
    edit = zones_mask(zones.select("*edit"), width, height)
    lock = torch.maximum(1 - edit, zones_mask(zones.select("*anchor"), width, height))
    difference = (result - before).abs().amax(1, keepdim=True) * 4
    sheet = overlay.side_by_side(
        [
            ("approved", before),
            ("zones", overlay.draw_zones(before, zones, edit * (1 - lock), lock)),
            ("what the model returned", files.read_image(edited)[0].movedim(3, 1)),
            ("after the surgical strike", result),
            ("difference to approved, x4", overlay.heatmap(before, difference)),
        ]
    )
    files.write_atomically(path, lambda temporary: sheet.save(temporary))


def main(output: Path) -> int:
    """Run every scene; prints a line for each. Returns the exit status."""
    output.mkdir(parents=True, exist_ok=True)
    verdicts = []
    for scene in SCENES:
        after, report = strike(scene, output)
        verdicts.append(report.verdict("production"))
        print(f"{after}: {report.summary('production')}")
    print(f"Pictures, sheets and reports are in {output.resolve()}")
    return 2 if "fail" in verdicts else 0
