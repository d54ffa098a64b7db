"""Regional prompts in ComfyUI's own sampler, with random-weight models; prints the measurements as JSON.

Run by test_regional_prompt.py in ComfyUI's Python: `python regional_experiments.py COMFYUI_PATH`. The picture is 128 px
wide, its latent 16 cells: region A covers cells 0-4, region B cells 11-15, the whole picture's prompt keeps 5-10.
"""

import json
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [sys.argv[1], str(ROOT / "tests" / "comfyui")]
sys.argv[1:] = ["--cpu"]

import comfy.options  # noqa: E402

comfy.options.enable_args_parsing()

import comfy.utils  # noqa: E402
import tiny_models  # noqa: E402
import torch  # noqa: E402

import nodes  # noqa: E402

runpy.run_path(str(ROOT / "conftest.py"))
from edit_first.nodes.prompt import RegionalPrompt  # noqa: E402

torch.set_num_threads(1)  # the models are too small to share
comfy.utils.PROGRESS_BAR_ENABLED = False
CLIP = tiny_models.Clip()
A, BASE, B = slice(0, 5), slice(5, 11), slice(11, 16)


def columns(first: int, last: int, frames: int = 1) -> torch.Tensor:
    """A mask of whole latent columns, in pixels."""
    mask = torch.zeros(frames, 128, 128)
    mask[..., 8 * first : 8 * last] = 1
    return mask


class Bench:
    """One model; counts how often the sampler runs it."""

    def __init__(self, family: str):
        self.model = tiny_models.build(family)
        self.shape = tiny_models.FAMILIES[family][2]
        self.base_values = {"guidance": 3.5} if family == "flux" else {}
        self.passes = 0
        self.model.set_model_unet_function_wrapper(self._count)

    def _count(self, apply_model, call):
        self.passes += len(call["cond_or_uncond"])
        return apply_model(call["input"], call["timestep"], **call["c"])

    def prompt(self, text: str, *regions: tuple) -> list:
        """Conditioning of a prompt with regions (prompt, mask, options)."""
        words, values = CLIP.encode_from_tokens_scheduled(text)[0]
        conditioning = [[words, {**values, **self.base_values}]]
        for region, mask, *options in regions:
            node = RegionalPrompt.execute(conditioning, CLIP, region, mask=mask, **(options[0] if options else {}))
            conditioning = node.args[0]
        return conditioning

    def sample(self, positive, *, steps=1, cfg=1.0, batch=1, cells=(16, 16)) -> torch.Tensor:
        """Latent (B, C, ..., H, W) after some steps; also sets `passes`."""
        self.passes = 0
        latent = torch.zeros((batch, *self.shape[:-2], *cells))
        negative = CLIP.encode_from_tokens_scheduled("ugly")
        with torch.inference_mode():
            result = nodes.common_ksampler(
                self.model, 3, steps, cfg, "euler", "normal", positive, negative, {"samples": latent}
            )
        return result[0]["samples"].float()


def change(first: torch.Tensor, second: torch.Tensor, where: slice) -> float:
    """Largest difference within some columns."""
    return float((first - second)[..., where].abs().max())


def mean_change(first: torch.Tensor, second: torch.Tensor, where: slice) -> float:
    return float((first - second)[..., where].abs().mean())


def dependence(bench: Bench) -> dict:
    """What each part of the picture depends on, after 1 step (one prediction of the model) and after 4."""
    a, b = columns(0, 5), columns(11, 16)
    variants = {
        "all": bench.prompt("street", ("red door", a), ("blue car", b)),
        "other a": bench.prompt("street", ("green tree", a), ("blue car", b)),
        "other base": bench.prompt("beach", ("red door", a), ("blue car", b)),
        "no regions": bench.prompt("street"),
    }
    measured = {}
    for steps in (1, 4):
        runs = {name: bench.sample(positive, steps=steps, cfg=2.0) for name, positive in variants.items()}
        again = bench.sample(variants["all"], steps=steps, cfg=2.0)
        measured[str(steps)] = {
            "same seed": change(runs["all"], again, slice(0, 16)),
            "a by own prompt": mean_change(runs["all"], runs["other a"], A),
            "b by a's prompt": mean_change(runs["all"], runs["other a"], B),
            "base by a's prompt": mean_change(runs["all"], runs["other a"], BASE),
            "b by a's prompt, max": change(runs["all"], runs["other a"], B),
            "base by a's prompt, max": change(runs["all"], runs["other a"], BASE),
            "base by its own prompt": mean_change(runs["all"], runs["other base"], BASE),
            "a by base prompt, max": change(runs["all"], runs["other base"], A),
            "base against no regions": mean_change(runs["all"], runs["no regions"], BASE),
            "scale": float(runs["all"].abs().mean()),
            "finite": bool(torch.isfinite(runs["all"]).all()),
        }
    return measured


def moving(bench: Bench) -> dict:
    """The same region on the left and on the right, against no region."""
    plain = bench.sample(bench.prompt("street"))
    left = bench.sample(bench.prompt("street", ("red door", columns(0, 5))))
    right = bench.sample(bench.prompt("street", ("red door", columns(11, 16))))
    return {
        "left in a": mean_change(left, plain, A),
        "left in b": mean_change(left, plain, B),
        "right in a": mean_change(right, plain, A),
        "right in b": mean_change(right, plain, B),
    }


def weights(bench: Bench) -> dict:
    """Strength and overlap against the mixtures they promise; after one step at cfg 1 they are exact."""
    everywhere = columns(0, 16)
    plain = bench.sample(bench.prompt("street"))
    door = bench.sample(bench.prompt("door"))
    car = bench.sample(bench.prompt("car"))
    full = bench.sample(bench.prompt("street", ("door", everywhere)))
    half = bench.sample(bench.prompt("street", ("door", everywhere, {"strength": 0.5})))
    overlap = bench.sample(bench.prompt("street", ("door", everywhere), ("car", everywhere)))
    swapped = bench.sample(bench.prompt("street", ("car", everywhere), ("door", everywhere)))
    heavier = bench.sample(bench.prompt("street", ("door", everywhere, {"strength": 3.0}), ("car", everywhere)))
    every = slice(0, 16)
    return {
        "strength 1 is the region's prompt": change(full, door, every),
        "strength 0.5 is the mean with the base": change(half, (plain + door) / 2, every),
        "overlap is the mean": change(overlap, (door + car) / 2, every),
        "overlap in the other order": change(overlap, swapped, every),
        "strength 3 against 1": change(heavier, (3 * door + car) / 4, every),
        "effect": change(door, plain, every),
        "scale": float(plain.abs().mean()),
    }


def cost(bench: Bench) -> dict:
    """Model passes for 4 steps."""

    def passes(positive, cfg):
        bench.sample(positive, steps=4, cfg=cfg)
        return bench.passes

    one = bench.prompt("street", ("door", columns(0, 5)))
    two = bench.prompt("street", ("door", columns(0, 5)), ("car", columns(11, 16)))
    full = bench.prompt("street", ("door", columns(0, 16)))
    early = bench.prompt("street", ("door", columns(0, 5), {"end_percent": 0.5}))
    off = bench.prompt("street", ("door", columns(0, 5), {"strength": 0.0}), ("car", columns(0, 0)))
    named = {"none": bench.prompt("street"), "one": one, "two": two, "full": full, "early": early, "off": off}
    return {name: [passes(positive, 1.0), passes(positive, 3.0)] for name, positive in named.items()}


def shapes(bench: Bench) -> dict:
    """Latent sizes, batches and masks that do not fit each other by nature."""
    three = torch.cat([columns(0, 2), columns(2, 4), columns(4, 5)])
    united = bench.sample(bench.prompt("street", ("door", three)))
    single = bench.sample(bench.prompt("street", ("door", columns(0, 5))))
    answers = {"batch of masks is united": change(united, single, slice(0, 16))}
    for cells in ((16, 24), (10, 6), (8, 8)):
        positive = bench.prompt("street", ("door", torch.ones(1, 333, 517)), ("car", columns(8, 16)))
        answers[f"{cells[0]}x{cells[1]}"] = bool(torch.isfinite(bench.sample(positive, cells=cells, batch=2)).all())
    return answers


def main() -> None:
    measured = {}
    for family in ("sd15", "flux", "qwen_image", "wan"):
        bench = Bench(family)
        measured[family] = {
            "dependence": dependence(bench),
            "moving": moving(bench),
            "weights": weights(bench),
            "cost": cost(bench),
            "shapes": shapes(bench),
        }
    print("MEASURED " + json.dumps(measured))  # noqa: T201


if __name__ == "__main__":
    main()
