"""The gate: the only node that may stop a graph."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from comfy_api.latest import io, ui
from comfy_execution.graph_utils import ExecutionBlocker

from ..checks import saving
from ..checks.gate import Decision, Picture, decide
from ..checks.thresholds import LEVELS
from . import types
from .report_view import picture_view


class QualityGate(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="EditFirst_QualityGate",
            display_name="Quality Gate",
            category="Edit First/Checks",
            description=(
                "Let a picture go on only when its report passes; route it to accepted or rejected, or stop the run. "
                "Put it before upscaling and video: both make errors larger."
            ),
            search_aliases=["stop if bad", "pass fail", "route", "quality control", "approve"],
            has_intermediate_output=True,
            hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo],
            inputs=[
                io.Image.Input("image", tooltip="The picture the report speaks of."),
                types.Report.Input("report", tooltip="From one or several checks in a row."),
                io.Combo.Input(
                    "level",
                    options=list(LEVELS),
                    default="production",
                    tooltip="How strict: good enough for a draft, or production ready. docs/checks.md has the limits.",
                ),
                io.Combo.Input(
                    "on_fail",
                    options=["block", "raise", "pass"],
                    default="block",
                    tooltip=(
                        "block: accepted stays silent, rejected carries the picture. raise: the run stops with the reason. "
                        "pass: accepted carries the picture all the same."
                    ),
                ),
                io.String.Input(
                    "filename_prefix",
                    default="",
                    optional=True,
                    tooltip=(
                        "Saves what goes on to accepted, and beside it the verdict under the same name as .json, in "
                        "ComfyUI's output folder; of a picture that is held back only the verdict. Empty = save nothing."
                    ),
                ),
            ],
            outputs=[
                io.Image.Output(
                    "accepted", "accepted", tooltip="The picture when it passed; otherwise nothing runs on."
                ),
                io.Image.Output(
                    "rejected", "rejected", tooltip="The picture when it failed; otherwise nothing runs on."
                ),
                io.Boolean.Output("passed", "passed", tooltip="Whether the report passes at this level."),
                io.String.Output(
                    "summary", "summary", tooltip="The verdict in one sentence, then counts and the worst findings."
                ),
            ],
        )

    @classmethod
    def validate_inputs(cls, filename_prefix=""):
        """Refuse a bad name before anything runs; a linked one is checked when it is used."""
        try:
            return bool(saving.check_prefix(filename_prefix)) if filename_prefix else True
        except ValueError as error:
            return str(error)

    @classmethod
    def execute(cls, image, report, level="production", on_fail="block", filename_prefix="") -> io.NodeOutput:
        decision = decide(report, level)
        goes_on = decision.passed or on_fail == "pass"
        pictures = [Picture.of(frame) for frame in image]
        shown = {"edit_first": [decision.to_dict(pictures, on_fail=on_fail)]}
        if filename_prefix:
            shown = _save(cls.hidden, image, goes_on, pictures, decision, on_fail, filename_prefix)
        if not decision.passed and on_fail == "raise":
            raise ValueError(f"Quality Gate stopped the run. {decision.summary}")
        summary = decision.text(pictures)
        # One silent blocker per output: ComfyUI 0.33 mishandles a blocker that stands for a whole V3 node.
        accepted = image if goes_on else ExecutionBlocker(None)
        rejected = ExecutionBlocker(None) if decision.passed else image
        return io.NodeOutput(
            accepted, rejected, decision.passed, summary, ui={**ui.PreviewText(summary).as_dict(), **shown}
        )


def _save(hidden, image, goes_on: bool, pictures: list[Picture], decision: Decision, on_fail: str, prefix: str) -> dict:
    """Save picture and verdict under one number; returns what the node shows of it.

    Save Image behind the gate cannot do this: it gives out its number later than the verdict is known, and a verdict
    that is already there makes it count on, so that the names never meet.
    """
    import folder_paths

    prefix, output = saving.check_prefix(prefix), folder_paths.get_output_directory()
    try:
        place = folder_paths.get_save_image_path(prefix, output, image.shape[2], image.shape[1])
    except OSError as error:
        raise saving.cannot_write(prefix, output, error) from error
    folder, stem, number, subfolder, _ = place

    def verdict(named: list[Picture]) -> dict:
        inside = [replace(p, file=(Path(subfolder) / p.file).as_posix()) if p.file else p for p in named]
        sidecar = (Path(subfolder) / f"{stem}_{number:05}_.json").as_posix()
        return decision.to_dict(inside, on_fail=on_fail, sidecar=sidecar)

    frames = image if goes_on else None
    named, _ = saving.save_verdict(Path(folder), stem, number, frames, pictures, verdict, _metadata(hidden))
    images = [{"filename": p.file, "subfolder": subfolder, "type": "output"} for p in named if p.file]
    shown = {"edit_first": [verdict(named)]}
    if images:
        view = picture_view(image.shape[2], image.shape[1], list(range(len(images))))
        shown |= {"images": images, **view}
    return shown


def _metadata(hidden) -> dict | None:
    """What Save Image writes into its files, unless the server was told not to."""
    from comfy.cli_args import args

    if args.disable_metadata or hidden is None:
        return None
    return {**({"prompt": hidden.prompt} if hidden.prompt else {}), **(hidden.extra_pnginfo or {})}


NODES = [QualityGate]
