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
from ..imaging.zones import Zones, zones_mask
from . import files, runner

ROOT = Path(__file__).resolve().parent.parent
PHOTOS = ROOT / "assets" / "photos"
WORKFLOW = ROOT / "workflows" / "api" / "2_surgical_strike.json"


@dataclass(frozen=True)
class Scene:
    """A photograph, its zones, and the color that the stand-in for an edit model gives the edited object."""

    photo: str
    zones: tuple[dict, ...]
    new_color: str


SCENES = (
    Scene(
        "coffee.png",
        (
            {
                "name": "saucer",
                "role": "edit",
                "shape": "ellipse",
                "points": [[0.14, 0.15], [0.84, 0.97]],
                "prompt": "a turquoise glazed cup and saucer",
            },
            {"name": "espresso", "role": "anchor", "shape": "ellipse", "points": [[0.36, 0.18], [0.68, 0.52]]},
        ),
        "#2a9d8f",
    ),
    Scene(
        "astronaut.png",
        (
            {
                "name": "suit",
                "role": "edit",
                "shape": "polygon",
                "points": [[0.02, 0.6], [0.3, 0.36], [0.55, 0.36], [0.8, 0.55], [0.85, 0.99], [0.02, 0.99]],
                "prompt": "a blue flight suit",
            },
            {"name": "face", "role": "anchor", "shape": "ellipse", "points": [[0.33, 0.08], [0.57, 0.42]]},
            {"name": "name tag", "role": "anchor", "shape": "box", "points": [[0.42, 0.76], [0.68, 0.9]]},
        ),
        "#2b59c3",
    ),
    Scene(
        "chelsea.png",
        (
            {
                "name": "coat",
                "role": "edit",
                "shape": "brush",
                "points": [[0.9, 0.3], [0.86, 0.62], [0.7, 0.9]],
                "radius": 0.14,
                "prompt": "darker fur",
            },
            {"name": "eyes", "role": "anchor", "shape": "box", "points": [[0.26, 0.2], [0.72, 0.5]]},
        ),
        "#6b4a3a",
    ),
)


def stand_in_model(image: Tensor, zones: Zones, new_color: str, *, seed: int = 0) -> Tensor:
    """What an instruction-editing model does to a picture: the edit that was asked for, and drift everywhere else.

    The object takes a new color at its own lightness; the whole frame gets a little softer, warmer and less
    contrasty and loses its grain, as after a pass through a VAE.

    Args:
        image: (1, 3, H, W).
    """
    height, width = image.shape[2:]
    edit = masks.feather_inward(zones_mask(zones.select("*edit"), width, height), 6)
    lab = color.srgb_to_oklab(image)
    target = color.srgb_to_oklab(torch.tensor(color.hex_to_rgb(new_color)).view(1, 3, 1, 1))
    strength = 0.85 * edit
    lab = torch.cat((lab[:, :1], torch.lerp(lab[:, 1:], target[:, 1:].expand_as(lab[:, 1:]), strength)), 1)
    changed = color.oklab_to_srgb(lab).clamp(0, 1)
    soft = masks.gaussian_blur(changed, 0.6)
    gain = torch.tensor([1.02, 1.0, 0.97]).view(1, 3, 1, 1)
    noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(seed)) * 0.002
    return ((soft - 0.5) * 0.97 * gain + 0.51 + noise).clamp(0, 1)


def strike(scene: Scene, output: Path) -> tuple[Path, Report]:
    """Run the surgical-strike workflow on one scene; returns the saved picture and its report."""
    zones = Zones.from_json(json.dumps(scene.zones))
    name = Path(scene.photo).stem
    original = files.read_image(PHOTOS / scene.photo)[0]
    edited = output / f"{name}_edited_by_model.png"
    frame = stand_in_model(original.movedim(3, 1), zones, scene.new_color)
    files.write_png(edited, frame.movedim(1, 3)[0])
    result = runner.run(
        runner.load_workflow(WORKFLOW),
        folders=files.Folders((PHOTOS,), output),
        provided={"Model edit": edited},
        sets=(
            f"Approved picture.image={scene.photo}",
            f"Zones.zones={zones.to_json()}",
            f"Save.filename_prefix={name}_after",
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
    difference = (result - before).abs().amax(1, keepdim=True) * 8
    sheet = overlay.side_by_side(
        [
            ("approved", before),
            ("zones", overlay.draw_zones(before, zones, edit * (1 - lock), lock)),
            ("what the model returned", files.read_image(edited)[0].movedim(3, 1)),
            ("after the surgical strike", result),
            ("difference to approved, x8", overlay.heatmap(before, difference)),
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
        print(f"{after}: {report.summary('production')}")  # noqa: T201
    print(f"Pictures, sheets and reports are in {output.resolve()}")  # noqa: T201
    return 2 if "fail" in verdicts else 0
