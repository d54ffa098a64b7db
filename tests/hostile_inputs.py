"""Whatever a graph can hand to a node, made from the node's own schema: sizes from 1x1, wrong batches, NaN, hostile text."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import torch

SIZES = ((1, 1), (7, 5), (64, 1), (1, 64), (64, 64), (97, 61), (160, 120))  # width, height
LARGEST_NUMBER = 384  # of px; a node may be asked for more, but a test must end
TEXTS = (
    "",
    " ",
    "#0057B8",
    "#0057B8, #ff0000\n#00ff00",
    "#zzz",
    "[[0.1,0.1],[0.9,0.1],[0.9,0.9],[0.1,0.9]]",
    "[[0,0],[0,0],[0,0],[0,0]]",
    "[[NaN,1],[Infinity,2]]",
    "[[[[[[",
    '{"a":',
    "null",
    "../../../etc/passwd",
    "C:\\Windows\\system32\\con",
    "..%2f..%2f",
    "nul\x00byte",
    "\u202egnp.exe",
    "漢字かな🙂",
    "%date:yyyy-MM-dd%",
    "<script>alert(1)</script>",
    "a" * 5000,
)


@dataclass(frozen=True)
class Case:
    """One call of a node: what to hand over, and the size that its pictures were meant to have."""

    inputs: dict
    width: int
    height: int

    def describe(self) -> str:
        """The inputs in a line, for the message of a failed test."""
        return ", ".join(f"{name}={_short(value)}" for name, value in self.inputs.items())


def case(schema, seed: int) -> Case:
    """Inputs for a node; even seeds are sound in size and batch, odd ones may hold anything."""
    chance = random.Random(f"{schema.node_id} {seed}")
    width, height = chance.choice(SIZES)
    frames = chance.choice((1, 1, 1, 2, 3))
    wild = seed % 2 == 1
    inputs = {}
    for port in schema.inputs:
        if port.optional and chance.random() < 0.4:
            continue
        size = chance.choice(SIZES) if wild and chance.random() < 0.15 else (width, height)
        count = chance.choice((0, 1, 2, 5)) if wild and chance.random() < 0.15 else frames
        inputs[port.id] = _value(port, chance, *size, count, wild)
    return Case(inputs, width, height)


def _value(port, chance: random.Random, width: int, height: int, frames: int, wild: bool):
    generator = torch.Generator().manual_seed(chance.randrange(2**31))
    if port.io_type == "IMAGE":
        return _image(chance, generator, width, height, frames, wild)
    if port.io_type == "MASK":
        return _mask(chance, generator, width, height, chance.choice((1, frames)), wild)
    if port.io_type in ("INT", "FLOAT"):
        low, high = port.options.get("min", 0), port.options.get("max", 100)
        largest = LARGEST_NUMBER**2 / 1e6 if port.id == "megapixels" else LARGEST_NUMBER
        return chance.choice((low, min(high, largest), min(port.options.get("default", low), largest)))
    if port.io_type == "BOOLEAN":
        return chance.random() < 0.5
    if port.io_type == "COMBO":
        return chance.choice(port.options["options"])
    if "STRING" in port.io_type or port.io_type == "COLOR":
        return chance.choice(TEXTS) if wild else port.options.get("default", "")
    return _object(port.io_type, width, height)


def _image(chance, generator, width: int, height: int, frames: int, wild: bool) -> torch.Tensor:
    channels = chance.choice((3, 3, 3, 4, 1 if wild else 3))
    noise = torch.rand(frames, height, width, channels, generator=generator)
    ramp = torch.linspace(0, 1, width)[None, None, :, None].expand(frames, height, width, channels)
    kind = chance.choice(("noise", "ramp", "black", "white", "mixed", *(("nan", "infinite", "beyond") if wild else ())))
    plain = {
        "noise": noise,
        "ramp": ramp.clone(),
        "black": noise * 0,
        "white": noise * 0 + 1,
        "mixed": ramp / 2 + noise / 2,
    }
    if kind in plain:
        return plain[kind]
    if noise.numel() and kind != "beyond":
        noise.view(-1)[0] = math.nan if kind == "nan" else math.inf
        return noise
    return noise * 3 - 1


def _mask(chance, generator, width: int, height: int, frames: int, wild: bool) -> torch.Tensor:
    kind = chance.choice(("box", "soft", "empty", "full", "specks", *(("nan", "load_image", "beyond") if wild else ())))
    noise = torch.rand(frames, height, width, generator=generator)
    if kind == "load_image":
        return torch.zeros(1, 64, 64)
    if kind == "box":
        box = torch.zeros_like(noise)
        box[:, height // 4 : max(1, 3 * height // 4), width // 4 : max(1, 3 * width // 4)] = 1
        return box
    if kind == "nan" and noise.numel():
        noise.view(-1)[0] = math.nan
        return noise
    made = {"soft": noise, "empty": noise * 0, "full": noise * 0 + 1, "specks": (noise > 0.9).float()}
    return made.get(kind, noise * 4 - 2)


def _object(io_type: str, width: int, height: int):
    from edit_first.checks.report import Measurement, Report
    from edit_first.imaging import crop, zones

    if io_type == "EDIT_FIRST_REPORT":
        return Report((Measurement("anchor_changed_px", 3.0),))
    if io_type == "EDIT_FIRST_ZONES":
        text = '[{"name":"a","role":"edit","shape":"box","points":[[0.2,0.2],[0.6,0.7]],"prompt":"a red hat"}]'
        return zones.Zones.from_json(text)
    if io_type == "EDIT_FIRST_CROP":
        mask = torch.zeros(1, 1, height, width)
        mask[..., : max(1, height // 2), : max(1, width // 2)] = 1
        return crop.plan_crop(mask)
    if io_type == "BOUNDING_BOX":
        return {"x": 1, "y": 1, "width": width, "height": height}
    raise NotImplementedError(f"no value is made for inputs of type {io_type}")


def _short(value) -> str:
    if isinstance(value, torch.Tensor):
        return f"{tuple(value.shape)}"
    return repr(value)[:60]
