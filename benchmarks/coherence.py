"""Where the limits of the Motion-Coherence Check come from: photographs under a moving camera, with and without defects.

PHOTOS_PATH=<folder of PNG photographs> python benchmarks/coherence.py [workers]
Measured cases are kept in CASES_PATH (a JSON lines file), so that a run can be continued; with 0 workers only the summary
is made, of what is there.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path

import calibration
import clips
import cv2
import harness
import numpy as np
import torch
from clips import Defect, Finish
from edit_first.checks import coherence
from edit_first.checks.thresholds import LEVELS, threshold
from edit_first.imaging import clip_motion

FRAMES, SIZE = 9, (480, 270)
MILD = {"camera": "mild parallax", "frames": 13, "size": (640, 360)}  # a gentler depth, as others were measured under
MILD_PHOTOS, MILD_TAKES = 9, 3  # of the verifying half; clean clips of each
VISIBLE = 1.0  # CIEDE2000, about what is just noticed
CLEAN_KINDS = 2  # of the six, for every photograph and camera
FALSE_ALARMS = 0.05
CAMERA_FINISH = Finish(noise=1, jpeg=92)  # what every defect is measured under
CLEAN = {
    "JPEG 92, grain 1": CAMERA_FINISH,
    "H.264 CRF 23": Finish(noise=1, crf=23),
    "H.264 CRF 32": Finish(noise=1, crf=32),
    "grain 3": Finish(noise=3),
    "light of the scene 8 %": Finish(noise=1, light=0.08, jpeg=92),
    "free layer 1 px": CAMERA_FINISH,  # the region moves as a layer, and region_motion says so
}
DEFECTS = {  # name -> (metric that should see it, severities)
    "slide": ("clip_drift_percent", {f"{v} px per frame": Defect(slide=v) for v in (0.1, 0.25, 0.5, 1.0)}),
    "floaty": ("clip_drift_percent", {f"lags {v:.0%} of the camera": Defect(lag=v) for v in (0.1, 0.3, 1.0)}),
    "jump": ("clip_slip_percent", {f"{v} px once": Defect(jump=v) for v in (1.0, 2.0, 4.0)}),
    "flicker": ("clip_flicker_levels", {f"gain {v:.1%}": Defect(flicker=v) for v in (0.005, 0.01, 0.02)}),
    "boil": ("clip_boil_levels", {f"{v} levels": Defect(boil=v) for v in (2, 4, 8)}),
    "morph": ("clip_morph_percent", {f"{v} px by the end": Defect(morph=v) for v in (2, 4, 8)}),
    "flash": ("clip_flash_lightness", {f"gain {v:.0%}": Defect(flash=v) for v in (0.05, 0.1, 0.2)}),
    "first frame": ("clip_first_frame_delta_e00", {f"gain {v:.0%}": Defect(first=v) for v in (0.05, 0.1, 0.2)}),
    "region tint": ("clip_region_color_delta_e00", {f"red over blue {v:.0%}": Defect(tint=v) for v in (0.1, 0.2, 0.4)}),
    "frame tint": ("clip_color_delta_e00", {f"red over blue {v:.0%}": Defect(frame_tint=v) for v in (0.2, 0.4, 0.8)}),
}
RIVALS = ("vbench_temporal_flickering", "warping_error", "region_warping_error")
MOVING_ONLY = {"floaty"}  # a still camera is not lagged behind
PARALLAX_TOO = {"slide", "morph"}
MOTION = ("slide", "floaty", "jump", "morph")
GROUPS = ("planar", "parallax", "mild parallax")


class Recorder(clip_motion.ClipFollower):
    """The follower, and on the same flow the warping error of Lai et al. 2018: mean squared difference between a frame
    and the one before moved along, where forward and backward flow agree; of all pixels and of the region."""

    errors: list[tuple[float, float]] = []

    def _compare_light(self, found, frame, motion, certain, core, ring):
        super()._compare_light(found, frame, motion, certain, core, ring)
        moved = clip_motion.optical_flow.sample(frame.light, motion)
        error = ((moved - self.previous.light) / 255) ** 2
        inside = certain & core
        self.errors.append((float(error[certain].mean()), float(error[inside].mean()) if inside.any() else 0.0))


def vbench_flicker(frames: np.ndarray) -> float:
    """VBench's temporal_flickering turned so that more is worse: mean |difference of neighbors| / 255."""
    levels = frames * 255
    return float(np.mean([np.abs(a - b).mean() for a, b in zip(levels[:-1], levels[1:], strict=True)]) / 255)


def measure(job: dict) -> dict:
    """One clip: every metric, the rivals, and the verdicts are derived later."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    coherence.ClipFollower, Recorder.errors = Recorder, []
    coherence._draw = lambda *_: torch.zeros(1, 3, 1, 1)  # nobody looks at the pictures here
    free = job["case"] == "free layer 1 px"
    defect = Defect(slide=1.0) if free else Defect(**job["defect"])
    view = {k: job.get(k, v) for k, v in (("frames", FRAMES), ("size", SIZE), ("camera", None), ("seed", None))}
    clip = clips.make(_picture(job["photo"]), defect=defect, finish=Finish(**job["finish"]), **view)
    start = time.process_time()
    result = coherence.check_coherence(
        torch.from_numpy(clip.frames).movedim(3, 1),
        torch.from_numpy(clip.region)[None, None].float(),
        region_motion="free" if free else "attached",
    )
    seconds = time.process_time() - start
    errors = np.array(Recorder.errors or [(0.0, 0.0)])
    values = {m.metric: m.value for m in result.report.measurements}
    rivals = (vbench_flicker(clip.frames), float(errors[:, 0].mean()), float(errors[:, 1].mean()))
    truth = 100 * float(np.hypot(*clip.slide_px)) / view["size"][0]
    kept = {key: job[key] for key in ("key", "photo", "half", "camera", "case")}
    return {**kept, "values": {**values, **dict(zip(RIVALS, rivals, strict=True))}, "truth": truth,
            "seen": _seen(job, view), "seconds": seconds}  # fmt: skip


def _seen(job: dict, view: dict) -> float | None:
    """What a defect of motion changes for the eye, before grain and compression."""
    if not job["case"].startswith(MOTION):
        return None
    broken, whole = (clips.make(_picture(job["photo"]), defect=d, **view) for d in (Defect(**job["defect"]), Defect()))
    return round(clips.difference(broken, whole), 3)


def jobs() -> list[dict]:
    """For every photograph clean clips under three cameras in rotating kinds; on the verifying half every defect at one
    severity in turn, and a gentler depth."""
    found = []
    photos = calibration.photo_set()
    for rank, number in enumerate(_shuffled(photos)):  # a run that is cut short is a sample of both halves
        photo = photos[number]
        base = {"photo": photo.name, "half": photo.half, "seed": number}
        for index, camera in enumerate(clips.CAMERAS):
            for turn in range(CLEAN_KINDS):
                case = list(CLEAN)[(rank // 2 + 3 * turn + index) % len(CLEAN)]
                found.append({**base, "camera": camera, "case": case, "defect": {}, "finish": asdict(CLEAN[case])})
        if photo.drawing or photo.half == "tune":
            continue
        for place, (name, (_, severities)) in enumerate(DEFECTS.items()):
            moving = clips.CAMERAS[1] if name in MOVING_ONLY else clips.CAMERAS[(rank // 2 + place) % 2]
            severity = list(severities)[(rank // 2) % len(severities)]
            for camera in [moving, clips.CAMERAS[2]] if name in PARALLAX_TOO else [moving]:
                job = {"case": f"{name}: {severity}", "defect": asdict(severities[severity])}
                found.append({**base, "camera": camera, **job, "finish": asdict(CAMERA_FINISH)})
    found += _mild_jobs(photos)
    for job in found:
        job["key"] = f"{job['photo']}|{job['camera']}|{job['case']}"
    return found


def _mild_jobs(photos) -> list[dict]:
    """Under the gentler depth: clean takes, and every severity of a slide and of a bend."""
    chosen = [n for n in _shuffled(photos) if photos[n].half == "verify" and not photos[n].drawing][:MILD_PHOTOS]
    found = []
    for number in chosen:
        base = {"photo": photos[number].name, "half": "verify", "seed": number, "finish": asdict(CAMERA_FINISH), **MILD}
        for take in range(MILD_TAKES):
            found.append({**base, "seed": number + 1000 * take, "case": f"clean take {take}", "defect": {}})
        for name in sorted(PARALLAX_TOO):
            for severity, defect in DEFECTS[name][1].items():
                found.append({**base, "case": f"{name}: {severity}", "defect": asdict(defect)})
    return found


def _shuffled(photos) -> list[int]:
    """Indices in random order, the halves taking turns."""
    rng = np.random.default_rng(0)
    halves = [rng.permutation([i for i, p in enumerate(photos) if p.half == half]) for half in calibration.HALVES]
    mixed = [int(i) for pair in zip(*halves, strict=False) for i in pair]
    return mixed + [i for i in range(len(photos)) if i not in mixed]


@lru_cache(maxsize=1)
def _picture(name: str) -> np.ndarray:
    """A photograph by name, (H, W, 3)."""
    photo = next(p for p in calibration.photo_set() if p.name == name)
    return photo.load(1000)[0].movedim(0, 2).numpy()


def run(workers: int) -> list[dict]:
    """Measure what is not measured yet."""
    path = Path(os.environ.get("CASES_PATH", "coherence_cases.jsonl"))
    done = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    known = {case["key"] for case in done}
    todo = [job for job in jobs() if job["key"] not in known]
    if not workers:
        return done
    with path.open("a") as file, multiprocessing.get_context("spawn").Pool(workers) as pool:
        for case in pool.imap(measure, todo):
            file.write(json.dumps(case) + "\n")
            file.flush()
            done.append(case)
    return done


def verdict(case: dict, level: str) -> str:
    """The worst verdict of a case."""
    verdicts = [threshold(m).verdict(v, level) for m, v in case["values"].items() if m not in RIVALS]
    return max(verdicts, key=("pass", "warn", "fail").index)


def alarms(cases: list[dict]) -> dict:
    """Share of clean clips with any warning and any failure, and which metrics gave them."""
    by_metric: dict[str, int] = {}
    for case in cases:
        for metric, value in case["values"].items():
            if metric not in RIVALS and threshold(metric).verdict(value, "production") != "pass":
                by_metric[metric] = by_metric.get(metric, 0) + 1
    return {
        "n": len(cases),
        **{f"fail at {level}": _share([verdict(c, level) == "fail" for c in cases]) for level in LEVELS},
        "warn or fail at production": _share([verdict(c, "production") != "pass" for c in cases]),
        "by metric": by_metric,
    }


def _share(flags: list[bool]) -> float:
    return round(sum(flags) / max(1, len(flags)), 3)


def _value(case: dict, metric: str) -> float:
    """A metric's value; drift counts whether the scene moves as one or not; what was not measured counts as 0."""
    value = case["values"].get(metric)
    if metric == "clip_drift_percent":
        both = [case["values"].get(m) for m in (metric, "clip_parallax_drift_percent")]
        value = max((v for v in both if v is not None), default=None)
    return 0.0 if value is None else value


def detection(clean: list[dict], defective: list[dict], metric: str) -> dict:
    """AUC and detection rate of one measure, with intervals over photographs."""

    def groups(cases):
        found: dict[str, list[float]] = {}
        for case in cases:
            found.setdefault(case["photo"], []).append(_value(case, metric))
        return found

    good, bad = groups(clean), groups(defective)
    flat = [[v for values in group.values() for v in values] for group in (good, bad)]
    return {
        "auc": round(calibration.area_under_curve(*flat), 3),
        "auc 95 %": calibration.interval(calibration.area_under_curve, good, bad, draws=200),
        "found at 5 % false alarms": round(calibration.detection_rate(*flat, FALSE_ALARMS), 3),
        "found 95 %": calibration.interval(calibration.detection_rate, good, bad, draws=200),
    }


def _in_group(cases: list[dict], group: str) -> list[dict]:
    """The cases under one kind of camera; static, panning and zooming ones are planar."""
    planar = set(clips.CAMERAS) - {"parallax"}
    return [c for c in cases if c["camera"] == group or group == "planar" and c["camera"] in planar]


def summarize(cases: list[dict]) -> dict:
    """False alarms by half and kind, clean quantiles of the tuning half, and detection on the verifying half."""
    clean = [case for case in cases if case["case"] in CLEAN]
    result: dict = {"clips": len(cases), "clean": {}, "false alarms": {}, "detection": {}}
    for half in calibration.HALVES:
        result["false alarms"][half] = alarms([c for c in clean if c["half"] == half])
    verify = [case for case in clean if case["half"] == "verify"]
    result["false alarms"]["verify by kind"] = {
        kind: alarms([c for c in verify if c["case"] == kind]) for kind in CLEAN
    }
    result["false alarms"]["verify by camera"] = {
        camera: alarms([c for c in verify if c["camera"] == camera]) for camera in clips.CAMERAS
    }
    for metric in sorted({m for case in clean for m in case["values"]} - set(RIVALS)):
        values = [c["values"][metric] for c in clean if c["half"] == "tune" and c["values"].get(metric) is not None]
        if values:
            result["clean"][metric] = {
                f"p{100 * q:g}": round(float(np.quantile(values, q)), 3) for q in (0.5, 0.9, 0.95, 0.99, 1)
            }
    result["detection of all severities"] = {}
    for name, (metric, severities) in DEFECTS.items():
        for group in GROUPS:
            entry = _detect_one(cases, clean, name, metric, group)
            if entry:
                result["detection of all severities"][f"{name} ({group})"] = entry
        for severity in severities:
            for group in GROUPS:
                entry = _detect_one(cases, clean, f"{name}: {severity}", metric, group)
                if entry:
                    result["detection"][f"{name}: {severity} ({group})"] = entry
    return result


def _detect_one(cases, clean, case_name, metric, group) -> dict | None:
    """One defect at one severity under one kind of camera, judged on the verifying half."""
    cases = [c for c in _in_group(cases, group) if c["half"] == "verify"]
    good = [c for c in cases if c["case"].startswith("clean take") or c in clean and c["case"] != "free layer 1 px"]
    bad = [c for c in cases if c["case"].startswith(case_name)]  # a defect's name alone: all severities
    if not bad:
        return None
    names = (metric, "clip_parallax_drift_percent") if metric == "clip_drift_percent" else (metric,)
    measured = [c for c in bad if any(c["values"].get(m) is not None for m in names)]
    if metric == "clip_drift_percent" and "slide" in case_name and bad:
        ratios = [_value(c, metric) / c["truth"] for c in bad if c["truth"] and _value(c, metric)]
        known = {"reads, share of the truth, median": round(float(np.median(ratios)), 3)}
    else:
        known = {}
    if all(c.get("seen") is not None for c in bad):
        visible = [c for c in bad if c["seen"] >= VISIBLE]
        known["visible"] = _share([c in visible for c in bad])
        known["auc where visible"] = visible and {m: detection(good, visible, m)["auc"] for m in (metric, *RIVALS)}
    return {
        "n": len(bad),
        "measured": _share([c in measured for c in bad]),
        **known,
        "not passed at production": _share([not_passed(c, metric) for c in bad]),
        metric: detection(good, bad, metric),
        "auc where measured": detection(good, measured, metric)["auc"] if measured else None,
        **{rival: detection(good, bad, rival) for rival in RIVALS},
    }


def not_passed(case: dict, metric: str) -> bool:
    """Whether the measure that should see a defect warns or fails."""
    names = (metric, "clip_parallax_drift_percent") if metric == "clip_drift_percent" else (metric,)
    return any(threshold(name).verdict(case["values"].get(name), "production") != "pass" for name in names)


def speed() -> dict:
    """81 frames of 832x480: process time, and the most memory beyond the clip itself."""
    import tracemalloc

    photo = calibration.photo_set()[0].load(1280)[0].movedim(0, 2).numpy()
    clip = clips.make(photo, camera="pan and zoom", frames=81, size=(832, 480), finish=CAMERA_FINISH)
    frames = torch.from_numpy(clip.frames).movedim(3, 1)
    region = torch.from_numpy(clip.region)[None, None].float()
    found = []
    for _ in range(2):
        wall, cpu = time.perf_counter(), time.process_time()
        coherence.check_coherence(frames, region)
        found.append((time.perf_counter() - wall, time.process_time() - cpu))
    tracemalloc.start()
    coherence.check_coherence(frames, region)
    peak = tracemalloc.get_traced_memory()[1]
    wall, cpu = np.median(found, axis=0)
    return {
        "frames": 81, "size": [832, 480], "wall seconds": round(float(wall), 2), "cpu seconds": round(float(cpu), 2),
        "peak NumPy memory MiB": round(peak / 2**20, 1),
    }  # fmt: skip


if __name__ == "__main__":
    measured = run(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    harness.save("coherence", {"frames": FRAMES, "size": SIZE, **summarize(measured), "speed": speed()})
