"""The gate: the only node that may stop a graph."""

from __future__ import annotations

from comfy_api.latest import io, ui
from comfy_execution.graph_utils import ExecutionBlocker

from ..checks.gate import decide
from ..checks.thresholds import LEVELS
from . import types


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
            ],
            outputs=[
                io.Image.Output(
                    "accepted", "accepted", tooltip="The picture when it passed; otherwise nothing runs on."
                ),
                io.Image.Output(
                    "rejected", "rejected", tooltip="The picture when it failed; otherwise nothing runs on."
                ),
                io.Boolean.Output("passed", "passed", tooltip="Whether the report passes at this level."),
                io.String.Output("summary", "summary", tooltip="The verdict in one sentence."),
            ],
        )

    @classmethod
    def execute(cls, image, report, level="production", on_fail="block") -> io.NodeOutput:
        decision = decide(report, level)
        if not decision.passed and on_fail == "raise":
            raise ValueError(f"Quality Gate stopped the run. {decision.summary}")
        # One silent blocker per output: ComfyUI 0.33 mishandles a blocker that stands for a whole V3 node.
        accepted = image if decision.passed or on_fail == "pass" else ExecutionBlocker(None)
        rejected = ExecutionBlocker(None) if decision.passed else image
        verdict = {"passed": decision.passed, "level": level, "summary": decision.summary, "report": report.to_dict()}
        shown = {**ui.PreviewText(decision.summary).as_dict(), "edit_first": [verdict]}
        return io.NodeOutput(accepted, rejected, decision.passed, decision.summary, ui=shown)


NODES = [QualityGate]
