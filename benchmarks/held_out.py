"""How the checks do on photographs that no limit, measure or rule of theirs has seen.

    HELD_OUT_PATH=<folder of PNG photographs> python benchmarks/held_out.py <folder for cases> [edits] [stills] [clips]

The calibrations verify on a half of their photographs that was looked at many times while they were made. Here nothing
may be tuned. Measured were BSD100 (Martin et al. 2001) and Urban100 (Huang et al. 2015) at the sizes at which they are
published. Cases that the folder holds are not measured again, and all that it holds is summed up.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import calibration
import coherence
import cv2
import edit_check
import harness
import motion
import torch

SETS = ("bsd100", "urban100")


def edits(kept: Path) -> None:
    """Measure clean edits and defects, as `edit_check.py` makes them."""
    with torch.inference_mode():
        edit_check.measure(kept)


def stills(kept: Path) -> None:
    """Measure clean stills and defects, as `motion.py` makes them."""
    with torch.inference_mode():
        motion.measured(kept)


def clips(kept: Path) -> None:
    """Measure clean clips and defects, as `coherence.py` makes them; give it a smaller folder, as each takes a second."""
    os.environ["CASES_PATH"] = str(kept)
    coherence.run(workers=1)


def sum_up_edits(kept: Path) -> dict:
    """False alarms of every set and kind, and detection."""
    rows = edit_check.read(kept)
    clean = [row for row in rows if row["case"].startswith("clean")]
    kinds = dict.fromkeys(row["case"] for row in clean)
    return {
        "photographs": len({row["photo"] for row in rows}),
        "false alarms": edit_check.alarm_rates(clean),
        **{
            f"false alarms, {name}": edit_check.alarm_rates([r for r in clean if r["photo"].startswith(name)])
            for name in SETS
        },
        "false alarms by case": {
            case: edit_check.alarm_rates([row for row in clean if row["case"] == case]) for case in kinds
        },
        "detection": edit_check.detection(rows),
    }


def sum_up_stills(kept: Path) -> dict:
    """False alarms of every kind, and detection; rivals in their better direction."""
    cases: dict[str, list[dict]] = {}
    for line in edit_check.read(kept):
        for name, case in line["found"].items() if not line["key"].startswith("sizes/") else ():
            cases.setdefault(name, []).append(case)
    plain = [case for name in motion.CLEAN for case in cases[name]]
    result = {
        "photographs": len({case["photo"] for case in plain}),
        "photographs with masks": len({case["photo"] for case in cases["matte, blob: clean"]}),
        "false alarms": motion.alarms_by_kind(cases, "verify"),
        "detection": {},
        "detection of edits": motion.edit_detection(cases),
    }
    for name, (metric, _) in motion.DEFECTS.items():
        clean, bad = motion.of(plain, metric), motion.of(cases[name], metric)
        rivals = {rival: _rival(plain, cases[name], rival) for rival in ("laplacian_variance", "tenengrad")}
        result["detection"][name] = {"metric": metric, **motion.detection(clean, bad), "rivals": rivals}
    return result


def _rival(clean: list[dict], bad: list[dict], name: str) -> float:
    area = calibration.area_under_curve(*([case["rivals"][name] for case in side] for side in (clean, bad)))
    return round(max(area, 1 - area), 3)


def sum_up_clips(kept: Path) -> dict:
    """False alarms of every kind, and detection of all severities together."""
    cases = edit_check.read(kept)
    clean = [case for case in cases if case["case"] in coherence.CLEAN]
    found = coherence.summarize(cases)
    return {
        "photographs": len({case["photo"] for case in cases}),
        "clips": len(cases),
        "false alarms": coherence.alarms(clean),
        "false alarms by case": found["false alarms"]["verify by kind"],
        "detection": found["detection of all severities"],
    }


KINDS = {"edits": (edits, sum_up_edits), "stills": (stills, sum_up_stills), "clips": (clips, sum_up_clips)}


def main(folder: Path, asked: list[str]) -> None:
    """Measure what is asked for, and sum up all that is there."""
    if not os.environ.get("HELD_OUT_PATH"):
        sys.exit("HELD_OUT_PATH is not set; name a folder of PNG photographs that no calibration has seen")
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    folder.mkdir(parents=True, exist_ok=True)
    result = {}
    for kind, (measure, sum_up) in KINDS.items():
        kept = folder / f"{kind}.jsonl"
        if kind in asked:
            measure(kept)
        if kept.is_file():
            result[kind] = sum_up(kept)
    harness.save("held_out", result)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
