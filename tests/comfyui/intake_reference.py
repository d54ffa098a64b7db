"""Our simulation of a video node's resize beside ComfyUI's own, in one process; prints the differing cases as JSON.

Run by test_intake.py in ComfyUI's Python: `python intake_reference.py COMFYUI_PATH`.
"""

import json
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, sys.argv[1])
sys.argv[1:] = ["--cpu"]

import comfy.options  # noqa: E402

comfy.options.enable_args_parsing()

import comfy.utils  # noqa: E402
import torch  # noqa: E402

runpy.run_path(str(ROOT / "conftest.py"))
from edit_first.imaging import intake  # noqa: E402

STILLS = ((333, 127), (640, 427), (512, 512), (500, 900), (7, 5), (1, 1), (1921, 1080))
CANVASES = ((832, 480), (480, 832), (768, 512), (64, 64))
generator = torch.Generator().manual_seed(0)
compared, different = 0, []
for width, height in STILLS:
    still = torch.rand(2, 3, height, width, generator=generator)
    for canvas in CANVASES:
        for resize in intake.RESIZES:
            for crop in (True, False):
                plan = intake.plan_intake(width, height, canvas, crop=crop, resize=resize)
                theirs = comfy.utils.common_upscale(still, *canvas, resize, "center" if crop else "disabled")
                compared += 1
                if not torch.equal(intake.model_input(still, plan), theirs):
                    different.append([width, height, canvas, resize, crop])
sys.stdout.write("COMPARED " + json.dumps({"compared": compared, "different": different}) + "\n")
