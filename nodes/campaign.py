"""A campaign's table as lists: everything behind this node runs once for every row."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from comfy_api.latest import InputImpl, io
from torch import Tensor

from ..campaign import manifest as library


def _input_folder() -> Path:
    import folder_paths

    return Path(folder_paths.get_input_directory()).resolve()


def _manifest_path(name: str) -> Path:
    """The manifest inside ComfyUI's input folder.

    Raises:
        ValueError: no such file, or the name leads out of the folder.
    """
    folder = _input_folder()
    try:
        path = (folder / name).resolve()
        usable = path.is_relative_to(folder) and path.is_file() and path.suffix.lower() in (".csv", ".json")
    except (OSError, ValueError):  # no file can have such a name: too long, or with a zero byte
        usable = False
    if not usable:
        raise ValueError(f"manifest '{name[:120]}' is no .csv or .json file in ComfyUI's input folder; put it there")
    return path


class _Loader:
    """Loads pictures as Load Image does, each file once."""

    def __init__(self, folder: Path):
        self.folder, self.loaded = folder, {}

    def __call__(self, name: str) -> tuple[Tensor, Tensor | None]:
        if name not in self.loaded:
            parts = InputImpl.VideoFromFile(str(self.folder / name)).get_components()
            self.loaded[name] = (parts.images[:1], None if parts.alpha is None else parts.alpha[:1, ..., -1])
        return self.loaded[name]

    def mask(self, name: str) -> Tensor:
        """A mask file: white, or transparent, is 1."""
        image, alpha = self(name)
        return image[..., 0] if alpha is None else 1 - alpha


class CampaignManifest(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="EditFirst_CampaignManifest",
            display_name="Campaign Manifest",
            category="Edit First/Product",
            description=(
                "Read a table of scenes, products, colors and prompts, and run the nodes behind once for every row. "
                "For long campaigns use `python . campaign`, which can be stopped and resumed."
            ),
            search_aliases=["csv", "spreadsheet", "batch", "list", "variants", "rows", "sku list"],
            inputs=[
                io.String.Input(
                    "manifest",
                    default="campaign.csv",
                    tooltip="A .csv or .json in ComfyUI's input folder; its pictures are named relative to that folder.",
                ),
                io.Int.Input("start", default=0, min=0, max=1_000_000, tooltip="How many jobs to skip."),
                io.Int.Input("limit", default=0, min=0, max=1_000_000, tooltip="How many jobs to run. 0 = all."),
            ],
            outputs=[
                io.Image.Output("scene", "scene", tooltip="The scenes.", is_output_list=True),
                io.Image.Output(
                    "product", "product", tooltip="The products; the scene where none is named.", is_output_list=True
                ),
                io.Mask.Output(
                    "product_mask",
                    "product_mask",
                    tooltip="1 = product: from its mask file, else from its alpha, else everything.",
                    is_output_list=True,
                ),
                io.Mask.Output(
                    "target_mask",
                    "target_mask",
                    tooltip="1 = slot; an empty 64x64 mask where none is named.",
                    is_output_list=True,
                ),
                io.String.Output("color", "color", tooltip="Colors as #rrggbb; may be empty.", is_output_list=True),
                io.String.Output("prompt", "prompt", tooltip="Prompts.", is_output_list=True),
                io.Int.Output("seed", "seed", tooltip="Seeds; 0 where none is given.", is_output_list=True),
                io.String.Output(
                    "name", "name", tooltip="Unique, safe file stems, for Save Image.", is_output_list=True
                ),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, manifest="", start=0, limit=0):
        """Run again when the table changed on disk."""
        return hashlib.sha256(_manifest_path(manifest).read_bytes()).hexdigest() + f" {start} {limit}"

    @classmethod
    def execute(cls, manifest="campaign.csv", start=0, limit=0) -> io.NodeOutput:
        folder = _input_folder()
        jobs = library.load(_manifest_path(manifest), folder)
        chosen = jobs[start : start + limit if limit else None]
        if not chosen:
            raise ValueError(f"start is {start}, but {manifest} has {len(jobs)} jobs; lower start")
        load = _Loader(folder)
        rows = [_row(job, load) for job in chosen]
        columns = [list(column) for column in zip(*rows, strict=True)]
        return io.NodeOutput(
            *columns,
            [job.color for job in chosen],
            [job.prompt for job in chosen],
            [job.seed for job in chosen],
            [job.name for job in chosen],
        )


def _row(job: library.Job, load: _Loader) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Scene, product, product mask and target mask of one job."""
    scene, _ = load(job.scene)
    product, alpha = load(job.product or job.scene)
    if job.product_mask:
        product_mask = load.mask(job.product_mask)
    else:
        product_mask = torch.ones(product.shape[:3]) if alpha is None else alpha
    target_mask = load.mask(job.target_mask) if job.target_mask else torch.zeros(1, 64, 64)
    return scene, product, product_mask, target_mask


NODES = [CampaignManifest]
