"""Where the limits of the Edit Integration Check come from: clean edits against injected defects on many photographs.

    PHOTOS_PATH=<folder of PNG photographs> python benchmarks/edit_check.py [--summary]

Every measured case is a line of JSON in a file of the temporary folder, so that an interrupted run goes on where it
stopped; remove both files to measure anew. One half of the photographs set the limits, the other verifies them.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import calibration
import cv2
import harness
import numpy as np
import scenes
import torch
from edit_first.checks.edit import light_findings, region_findings
from edit_first.checks.effect import shift_finding
from edit_first.checks.halo import halo_finding
from edit_first.checks.seam import measure_seam, seam_findings, window_means
from edit_first.checks.texture import texture_findings
from edit_first.checks.thresholds import VERDICTS, threshold
from edit_first.checks.view import contour_windows, make_view
from edit_first.imaging import color, grain, masks, seam
from torch import Tensor

SIDE = 1024  # px, the longer side; smaller photographs stay as they are
MASKS = ("blob", "object")
FEATHER_PX = 6.0
BAND_PX = 12  # that is blurred along a border
MARGIN_PX = 12  # that a mask leaves around what is edited in it
MARGIN_SHARE = 0.02  # the same of the longer side, where one edit is saved at several sizes: 10 px at 512
# An outline hides a border where the picture itself steps this far across it, in CIELAB, along this share of it.
HIDING_STEP, HIDING_SHARE = 6.0, 0.6
Change = Callable[["Host"], Tensor]


@dataclass(frozen=True)
class Host:
    """A photograph with a mask; images (1, 3, H, W)."""

    image: Tensor
    mask: Tensor
    seed: int
    follows_edges: bool  # the mask is an object's, whose outline hides a border
    margin_px: float = MARGIN_PX

    def noise(self, levels: float, seed: int = 0, coarse_px: float = 0.0) -> Tensor:
        """Noise of a standard deviation in 8-bit levels, as coarse as film grain where asked for."""
        plane = torch.randn(self.image.shape, generator=calibration.seeded(1000 * self.seed + seed))
        plane = masks.gaussian_blur(plane, coarse_px)
        return plane / plane.std() * levels / 255

    def inside(self, edited: Tensor, feather_px: float = 0.0) -> Tensor:
        """The edited picture inside the mask, 8-bit."""
        alpha = masks.feather_inward(self.mask, feather_px)
        return quantized(torch.lerp(self.image, edited.clamp(0, 1), alpha))

    def within(self, edited: Tensor) -> Tensor:
        """The edited picture as an object in the mask: with a margin, or up to the edge where the mask follows one."""
        object_mask = self.mask if self.follows_edges else masks.grow(self.mask, -self.margin_px)
        alpha = masks.feather_inward(object_mask, 2.0)
        return quantized(torch.lerp(self.image, edited.clamp(0, 1), alpha))


def quantized(image: Tensor) -> Tensor:
    return (image.clamp(0, 1) * 255).round() / 255


def jpeg(image: Tensor, quality: int) -> Tensor:
    levels = (image[0].movedim(0, 2).numpy()[..., ::-1] * 255).round().astype(np.uint8)
    data = cv2.imencode(".jpg", levels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return torch.from_numpy(cv2.imdecode(data, 1)[..., ::-1].copy()).movedim(2, 0)[None].float() / 255


def recolored(image: Tensor, angle_deg: float = 70.0) -> Tensor:
    """Hue turned at equal lightness: a legitimate recolor."""
    lab = color.srgb_to_oklab(image)
    turn = math.radians(angle_deg)
    a, b = lab[:, 1:2], lab[:, 2:]
    turned = (a * math.cos(turn) - b * math.sin(turn), a * math.sin(turn) + b * math.cos(turn))
    return color.oklab_to_srgb(torch.cat((lab[:, :1], *turned), 1)).clamp(0, 1)


def grained(host: Host) -> Host:
    """The same photograph with film grain of 4 levels."""
    return Host(quantized(host.image + host.noise(4, 1, 0.5)), host.mask, host.seed, host.follows_edges)


def night(host: Host) -> Host:
    """The same photograph at a sixteenth of the light, with sensor noise."""
    dark = color.linear_to_srgb(color.srgb_to_linear(host.image) / 16)
    return Host(quantized(dark + host.noise(2, 2)), host.mask, host.seed, host.follows_edges)


def fog(host: Host) -> Host:
    """The same photograph with a fifth of its contrast."""
    return Host(quantized(0.2 * masks.gaussian_blur(host.image, 1.0) + 0.62), host.mask, host.seed, host.follows_edges)


def mirrored(host: Host) -> Tensor:
    """Other content from the same picture: as sharp and as grainy, but not the original's."""
    return host.image.flip(3)


def good_blend(host: Host, content: Tensor | None = None) -> Tensor:
    """What this pack makes of a drifted rendering: Grain Match, then Seam Feather."""
    truth = host.image if content is None else torch.where(host.mask > 0, content, host.image)
    array = truth[0].movedim(0, 2).numpy()
    drifted = scenes.apply_drift(array, scenes.Drift(), np.random.default_rng(host.seed))
    raw = torch.from_numpy(np.ascontiguousarray(drifted.transpose(2, 0, 1), np.float32))[None]
    matched = grain.match_grain(raw, host.mask, original=host.image, seed=host.seed)
    return quantized(seam.feather(host.image, matched, host.mask)[0])


def offset(host: Host, delta_e: float) -> Tensor:
    """The region lighter by a CIELAB lightness."""
    lightness = color.srgb_to_lab(host.image)[:, :1]
    change = torch.where(lightness.mean() > 50, -delta_e, delta_e)
    luma = color.luma(host.image)
    # One L* is worth about 0.0095 to 0.011 of sRGB's code values over most of the range.
    return host.image + change * 0.0105 + 0 * luma


def haloed(host: Host, width_px: float, light: bool) -> Tensor:
    """Half of white or black mixed into a rim of the region."""
    distance = masks.signed_distance(host.mask)
    rim = ((distance > 0) & (distance <= width_px)).float() * 0.4
    return torch.lerp(host.image, torch.full_like(host.image, 1.0 if light else 0.0), rim)


def down_up(image: Tensor) -> Tensor:
    size = [max(1, side // 2) for side in image.shape[2:]]
    small = torch.nn.functional.interpolate(image, size, mode="area")
    return torch.nn.functional.interpolate(small, image.shape[2:], mode="bicubic", align_corners=False)


def shifted(image: Tensor) -> Tensor:
    return image.roll((5, 3), (2, 3))


def exposed(image: Tensor, stops: float) -> Tensor:
    """More or less light on the same."""
    return color.linear_to_srgb((color.srgb_to_linear(image) * 2**stops).clamp(0, 1))


def warmed(image: Tensor, stops: float) -> Tensor:
    """Warmer or colder light, in stops of red over blue."""
    gains = torch.tensor((2 ** (stops / 2), 1.0, 2 ** (-stops / 2)))[None, :, None, None]
    return color.linear_to_srgb((color.srgb_to_linear(image) * gains).clamp(0, 1))


def contrasted(host: Host, power: float) -> Tensor:
    """Harder or softer light: luminance in stops spread about the region's median."""
    linear = color.srgb_to_linear(host.image) + 0.004
    stops = torch.log2(color.luma(linear))
    middle = stops[host.mask > 0].median()
    return color.linear_to_srgb((linear * 2 ** ((power - 1) * (stops - middle)) - 0.004).clamp(0, 1))


def cases(host: Host) -> Iterator[tuple[str, Host, Tensor]]:
    """Clean edits (names begin with "clean") and defects, each as its name, its host and the edited picture."""
    film, dark, pale = grained(host), night(host), fog(host)
    blurs = {"0.6": 0.6, "1": 1.0, "2": 2.0}
    yield "clean: noise 1/255", host, host.inside(host.image + host.noise(1))
    yield "clean: JPEG 95", host, host.inside(jpeg(host.image, 95))
    yield "clean: grain matched", film, film.inside(host.image + host.noise(4, 7, 0.5))
    yield "clean: recolor", host, host.within(recolored(host.image))
    yield "clean: night", dark, dark.within(recolored(dark.image) + dark.noise(0.5))
    yield "clean: fog", pale, pale.within(recolored(pale.image))
    yield "clean: new content", host, host.within(mirrored(host))
    yield "clean: good blend of a recolor", host, good_blend(host, host.within(recolored(host.image)))
    for name, sigma in blurs.items():
        yield f"blur {name} px", host, host.inside(masks.gaussian_blur(host.image, sigma))
        yield f"new content, blur {name} px", host, host.within(masks.gaussian_blur(mirrored(host), sigma))
    yield "half size and back", host, host.inside(down_up(host.image))
    yield "grain missing", film, film.inside(host.image)
    yield "new content, grain missing", film, film.within(mirrored(host))
    yield "grain added", host, host.inside(host.image + host.noise(4, 3))
    for delta_e in (2, 4, 8):
        yield f"tone {delta_e}, hard", host, host.inside(offset(host, delta_e))
        yield f"tone {delta_e}, feathered", host, host.inside(offset(host, delta_e), FEATHER_PX)
    for width in (1, 2, 3):
        yield f"light halo {width} px", host, host.inside(haloed(host, width, light=True))
        yield f"dark halo {width} px", host, host.inside(haloed(host, width, light=False))
    yield "misplaced by 5.8 px", host, host.inside(shifted(host.image))
    for stops in (-1, -0.5, -0.25, 0.25, 0.5, 1):
        yield f"exposure {stops:+} EV", host, host.inside(exposed(host.image, stops), FEATHER_PX)
    for stops in (-0.7, -0.35, 0.35, 0.7):
        yield f"warmth {stops:+} EV", host, host.inside(warmed(host.image, stops), FEATHER_PX)
    for power in (0.67, 0.87, 1.15, 1.5):
        yield f"contrast x{power}", host, host.inside(contrasted(host, power), FEATHER_PX)


MEASURES = {  # by a word of the case's name: what looks for such a defect
    "clean": region_findings,
    "tone": seam_findings,
    "halo": lambda view: (halo_finding(view),),
    "misplaced": lambda view: (shift_finding(view),),
    **dict.fromkeys(("exposure", "warmth", "contrast"), light_findings),
    "": texture_findings,
}


# ---------------------------------------------------------------- rivals


def rivals(image: Tensor, mask: Tensor) -> dict[str, float]:
    """Common statistics, inside against around: distances from equality."""
    luma = color.luma(image)[0, 0].numpy()
    distance = masks.signed_distance(mask)[0, 0].numpy()
    inside, ring = distance > 2, (distance < -2) & (distance > -50)
    laplacian = cv2.Laplacian(luma, cv2.CV_32F)
    gradient = cv2.Sobel(luma, cv2.CV_32F, 1, 0) ** 2 + cv2.Sobel(luma, cv2.CV_32F, 0, 1) ** 2
    mean = cv2.GaussianBlur(luma, (0, 0), 7 / 6)
    spread = np.sqrt(np.maximum(cv2.GaussianBlur(luma**2, (0, 0), 7 / 6) - mean**2, 0))
    normal = (luma - mean) / (spread + 1 / 255)  # BRISQUE's mean-subtracted contrast-normalized coefficients
    lab = color.srgb_to_lab(image)[0].movedim(0, 2).numpy()
    return {
        "Laplacian variance": _log_ratio(laplacian[inside].var(), laplacian[ring].var()),
        "Tenengrad": _log_ratio(gradient[inside].mean(), gradient[ring].mean()),
        "BRISQUE class": abs(_ggd_ratio(normal[inside]) - _ggd_ratio(normal[ring]))
        + abs(float(normal[inside].std() - normal[ring].std())),
        "mean color": float(np.linalg.norm(lab[inside].mean(0) - lab[ring].mean(0))),
    }


def _log_ratio(a: float, b: float) -> float:
    return abs(math.log2((float(a) + 1e-9) / (float(b) + 1e-9)))


def _ggd_ratio(values: np.ndarray) -> float:
    """Mean absolute over root mean square: what BRISQUE reads the generalized Gaussian's shape from."""
    return float(np.abs(values).mean() / max(np.sqrt((values**2).mean()), 1e-9))


def compared(name: str) -> bool:
    """Whether the common statistics are meant to see such a case."""
    return not any(word in name for word in ("halo", "misplaced"))


# ---------------------------------------------------------------- measuring


def findings(name: str, host: Host, edited: Tensor) -> dict[str, float | None]:
    """Every region metric of a clean edit, or those that a defect is looked for with."""
    measures = next(measures for word, measures in MEASURES.items() if word in name)
    return {f.measurement.metric: f.measurement.value for f in measures(make_view(host.image, edited, host.mask))}


def hides_a_border(image: Tensor, mask: Tensor) -> bool:
    """Whether the picture has edges of its own along a mask's outline.

    Segments that cut through fog or bokeh have none, and an edit up to their outline is seen.
    """
    distance = masks.signed_distance(mask)[0, 0].numpy()
    lab = color.srgb_to_lab(image)[0].movedim(0, 2).numpy()
    window, count = contour_windows(distance)
    inside, outside = (distance > 0) & (distance <= 4), (distance <= 0) & (distance > -4)
    step = window_means(lab, inside, window, count) - window_means(lab, outside, window, count)
    step = np.linalg.norm(step, axis=1)
    return bool((step[np.isfinite(step)] > HIDING_STEP).mean() >= HIDING_SHARE)


def hosts(photo: calibration.Photo, number: int, side: int) -> Iterator[tuple[str, Host]]:
    """The photograph with one mask: pairs of photographs take turns, so that each half holds both kinds."""
    image = quantized(photo.load(side))
    kind = MASKS[number // 2 % 2]
    mask = calibration.object_mask(image, number) if kind == "object" else None
    if mask is None:
        kind, mask = "blob", calibration.blob_mask(image, number)
    yield kind, Host(image, mask, number, kind == "object" and hides_a_border(image, mask))


def measure(path: Path, side: int = SIDE) -> None:
    """Measure every case that the file does not hold yet; defects only on the verifying half."""
    done = {(entry["photo"], entry["mask"]) for entry in read(path)}
    for number, photo in enumerate(calibration.photo_set()):
        for kind, host in hosts(photo, number, side):
            if (photo.name, kind) in done:
                continue
            about = {
                "photo": photo.name,
                "half": photo.half,
                "drawing": photo.drawing,
                "mask": kind,
                "edges": host.follows_edges,
            }
            lines = []
            for name, own, edited in cases(host):
                verifies = photo.half == "verify"
                if not verifies and not name.startswith("clean"):
                    break  # the limits follow from the clean edits alone
                common = rivals(edited, own.mask) if verifies and compared(name) else {}
                lines.append(json.dumps({**about, "case": name, **findings(name, own, edited), **common}))
            with path.open("a") as file:
                file.write("\n".join(lines) + "\n")


def read(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


# ---------------------------------------------------------------- one edit at several sizes


def sized_cases(host: Host) -> Iterator[tuple[str, Tensor]]:
    """Edits of a large frame; lengths are shares of its longer side, so that they are the same edit at every size."""
    side = max(host.image.shape[2:])
    yield "clean: recolor", host.within(recolored(host.image))
    for percent in (0.1, 0.2):
        yield f"blur {percent} % of the side", host.inside(masks.gaussian_blur(host.image, percent / 100 * side))
    yield "tone 4, hard", host.inside(offset(host, 4))
    yield "light halo 0.2 % of the side", host.inside(haloed(host, 0.002 * side, light=True))


def measure_sizes(path: Path, most: int) -> None:
    """Verdicts of the same edits saved at every size, for photographs that are large enough."""
    done = {entry["photo"] for entry in read(path)}
    large = [photo for photo in calibration.photo_set() if not photo.drawing and photo.name in LARGE]
    for number, photo in enumerate(large[:most]):
        if photo.name in done:
            continue
        image = quantized(photo.load(max(SIZES)))
        mask, margin = calibration.blob_mask(image, number), MARGIN_SHARE * max(image.shape[2:])
        host = Host(image, mask, number, False, margin)
        lines = []
        for name, edited in sized_cases(host):
            for side in SIZES:
                before, after = (_resized(picture, side) for picture in (image, edited))
                mask = (_resized(host.mask, side) > 0.5).float()
                found = region_findings(make_view(before, after, mask))
                verdicts = {f.measurement.metric: f.measurement.verdict("production") for f in found}
                values = {f.measurement.metric: f.measurement.value for f in found}
                about = {"photo": photo.name, "case": name, "side": side}
                lines.append(json.dumps({**about, **values, "verdicts": verdicts}))
        with path.open("a") as file:
            file.write("\n".join(lines) + "\n")


def _resized(image: Tensor, side: int) -> Tensor:
    scale = side / max(image.shape[2:])
    size = [max(1, round(length * scale)) for length in image.shape[2:]]
    array = cv2.resize(image[0].movedim(0, 2).numpy(), tuple(size[::-1]), interpolation=cv2.INTER_AREA)
    return quantized(torch.from_numpy(array.reshape(*size, -1)).movedim(2, 0)[None])


# ---------------------------------------------------------------- fine detail along the border


def detail_cases(host: Host) -> Iterator[tuple[str, Host, Tensor]]:
    """What leaves the detail along the border as it is, and bands of it that are blurred."""
    film = grained(host)
    yield "clean: noise 1/255", host, host.inside(host.image + host.noise(1))
    yield "clean: JPEG 95", host, host.inside(jpeg(host.image, 95))
    yield "clean: grain matched", film, film.inside(host.image + host.noise(4, 7, 0.5))
    yield "clean: good blend", host, good_blend(host)
    band = (masks.signed_distance(host.mask).abs() <= BAND_PX / 2).float()
    for sigma in (0.5, 0.7, 1.0, 1.5):
        soft = masks.gaussian_blur(host.image, sigma)
        yield f"band blurred {sigma} px", host, quantized(torch.lerp(host.image, soft, band))


def measure_details(path: Path) -> None:
    """Detail along the border of every photograph whose border crosses what goes on."""
    done = {entry["photo"] for entry in read(path)}
    for number, photo in enumerate(calibration.photo_set()):
        for _, host in hosts(photo, number, SIDE) if photo.name not in done else ():
            for name, own, edited in detail_cases(host):
                found = measure_seam(own.image, edited, own.mask)
                line = {"photo": photo.name, "half": photo.half, "case": name, "detail": found and found.detail_ratio}
                with path.open("a") as file:
                    file.write(json.dumps(line) + "\n")
                if found is None:
                    break  # the mask follows an object in every case


def details(rows: list[dict]) -> dict:
    """Share of every case below the limits of `seam_detail_ratio`, and the least values."""
    result: dict = {}
    limits = threshold("seam_detail_ratio")
    for half in calibration.HALVES:
        for case in dict.fromkeys(row["case"] for row in rows):
            chosen = [r["detail"] for r in rows if (r["half"], r["case"]) == (half, case) and r["detail"] is not None]
            if chosen:
                result.setdefault(half, {})[case] = {
                    "n": len(chosen),
                    "least": round(min(chosen), 3),
                    "median": round(float(np.median(chosen)), 3),
                    "warned": round(float(np.mean([value < limits.production for value in chosen])), 3),
                }
    return result


# ---------------------------------------------------------------- summary


def judged_values(rows: list[dict], metric: str) -> dict[str, list[float]]:
    """Values by photograph; 0 where the metric did not apply, as nothing is then found."""
    found: dict[str, list[float]] = {}
    for row in rows:
        found.setdefault(row["photo"], []).append(row.get(metric) or 0.0)
    return found


def _alarms(row: dict) -> bool:
    return any(threshold(m).verdict(row.get(m), "production") != "pass" for m in METRICS)


def alarm_rates(rows: list[dict]) -> dict:
    """Share of the clean edits of which any metric warns or fails, at both levels."""
    metrics = [metric for metric in METRICS if any(metric in row for row in rows)]

    def worst(row: dict, level: str) -> str:
        verdicts = [threshold(m).verdict(_value(row, m), level) for m in metrics]
        return max(verdicts, key=VERDICTS.index)

    rates = {}
    for word, accepted in (("fail", ("fail",)), ("warn or fail", ("warn", "fail"))):
        by_photo: dict[str, list[float]] = {}
        for row in rows:
            by_photo.setdefault(row["photo"], []).append(float(worst(row, "production") in accepted))
        rates[word] = _with_interval(lambda values: float(np.mean(values)), by_photo)
    by_metric = {
        m: np.mean([threshold(m).verdict(_value(row, m), "production") != "pass" for row in rows]) for m in metrics
    }
    return {"edits": len(rows), **rates, "by metric": {m: round(float(v), 4) for m, v in by_metric.items() if v}}


def _value(row: dict, metric: str) -> float | None:
    return row.get(metric)


def _plain(statistic: Callable, *groups: dict[str, list[float]]) -> dict:
    pooled = [[value for values in group.values() for value in values] for group in groups]
    return {"value": round(statistic(*pooled), 3)}


def _with_interval(statistic: Callable, *groups: dict[str, list[float]]) -> dict:
    return {**_plain(statistic, *groups), "interval": calibration.interval(statistic, *groups, draws=200)}


def detection(rows: list[dict], *, intervals: bool = True) -> dict:
    """AUC and rate at 5 % false alarms of every defect, ours and the common statistics', against all clean edits."""
    clean = [row for row in rows if row["case"].startswith("clean")]
    result = {}
    for case in dict.fromkeys(row["case"] for row in rows if not row["case"].startswith("clean")):
        defective = [row for row in rows if row["case"] == case]
        names = [METRIC_OF[next(word for word in METRIC_OF if word in case)]]
        names += RIVALS if compared(case) else []
        result[case] = {"edits": len(defective)}
        for number, name in enumerate(names):
            groups = judged_values(clean, name), judged_values(defective, name)
            told = _with_interval if number == 0 and intervals else _plain
            result[case][name] = {
                "auc": told(calibration.area_under_curve, *groups),
                "rate at 5 %": told(calibration.detection_rate, *groups),
            }
            if number == 0:
                result[case] |= _closer_look(clean, defective, name)
    return result


def _closer_look(clean: list[dict], defective: list[dict], metric: str) -> dict:
    """The share over the limit, and detection without the cases that are debatable.

    Those are cases to which the metric did not apply, and the blends among the clean edits: the renderings that they
    were made of are 0.7 px softer than the plate.
    """
    missed = [threshold(metric).verdict(row.get(metric), "production") != "pass" for row in defective]
    sharp = [row for row in clean if "blend" not in row["case"]]
    seen = [[row[metric] for row in side if row.get(metric) is not None] for side in (clean, defective)]
    found = {"over the limit": round(float(np.mean(missed)), 3), "measured": len(seen[1])}
    pooled = [[row.get(metric) or 0.0 for row in side] for side in (sharp, defective)]
    for name, groups in (("where measured", seen), ("without blends", pooled)):
        if all(groups):
            auc, rate = calibration.area_under_curve(*groups), calibration.detection_rate(*groups)
            found[name] = {"auc": round(auc, 3), "rate at 5 %": round(rate, 3)}
    return found


def flips(rows: list[dict]) -> dict:
    """How often an edit's verdict at a size is not the one that it has at most sizes."""
    judged = ("seam_step", "grain_log2_ratio", "sharpness_log2_ratio", "halo_lightness", "edit_shift_px")
    by_edit: dict[tuple, dict[int, str]] = {}
    for row in rows:
        verdicts = [row["verdicts"][metric] for metric in judged]
        by_edit.setdefault((row["photo"], row["case"]), {})[row["side"]] = max(verdicts, key=VERDICTS.index)
    counts = {side: [] for side in SIZES}
    for verdicts in by_edit.values():
        usual = max(VERDICTS, key=lambda v: sum(v == other for other in verdicts.values()))
        for side, verdict in verdicts.items():
            counts[side].append(verdict != usual)
    everything = [flip for side in counts.values() for flip in side]
    if not everything:
        return {}
    return {
        "edits": len(by_edit),
        "flipped": round(float(np.mean(everything)), 3),
        "by size": {side: round(float(np.mean(values)), 3) for side, values in counts.items()},
    }


def summarize(rows: list[dict], sized: list[dict]) -> dict:
    """What the page tells."""
    halves = {half: [row for row in rows if row["half"] == half] for half in calibration.HALVES}
    clean = {half: [row for row in chosen if row["case"].startswith("clean")] for half, chosen in halves.items()}
    tuned = clean["tune"]
    quantiles = {
        m: [
            round(float(np.quantile([row[m] for row in tuned if row.get(m) is not None], q)), 3)
            for q in (0.5, 0.9, 0.95, 0.98)
        ]
        for m in METRICS
    }
    return {
        "photographs": len({row["photo"] for row in rows}),
        "px": SIDE,
        "masks": {
            "blobs": len({row["photo"] for row in rows if row["mask"] == "blob"}),
            "objects": len({row["photo"] for row in rows if row["mask"] == "object"}),
            "objects whose outline hides no border": len(
                {row["photo"] for row in rows if row["mask"] == "object" and not row["edges"]}
            ),
        },
        "clean p50, p90, p95, p98 (tuning half)": quantiles,
        "false alarms": {half: alarm_rates(chosen) for half, chosen in clean.items()},
        "false alarms by case (verifying half)": {
            case: round(float(np.mean([_alarms(row) for row in clean["verify"] if row["case"] == case])), 3)
            for case in dict.fromkeys(row["case"] for row in clean["verify"])
        },
        "detection (verifying half)": detection(halves["verify"]),
        "detection by mask (verifying half)": {
            kind: {
                case: {key: found[key] for key in ("edits", "measured", "where measured") if key in found}
                for case, found in detection(
                    [row for row in halves["verify"] if row["mask"] == kind], intervals=False
                ).items()
            }
            for kind in MASKS
        },
        "sizes": flips(sized) if sized else None,
        "sizes, without the blur of half a pixel at 512 px": flips(
            [row for row in sized if not row["case"].startswith("blur 0.1")]
        ),
    }


METRICS = (
    "seam_step", "grain_log2_ratio", "sharpness_log2_ratio", "halo_lightness", "edit_shift_px", "light_exposure_ev",
    "light_white_balance_ev", "light_contrast_ratio",
)  # fmt: skip
METRIC_OF = {
    "exposure": "light_exposure_ev", "warmth": "light_white_balance_ev", "contrast": "light_contrast_ratio",
    "tone": "seam_step", "halo": "halo_lightness", "misplaced": "edit_shift_px", "grain": "grain_log2_ratio",
    "": "sharpness_log2_ratio",
}  # fmt: skip
RIVALS = ["Laplacian variance", "Tenengrad", "BRISQUE class", "mean color"]
SIZES = (512, 1024, 2048, 3840)
LARGE = {
    "bridge",
    "dragonfly",
    "kleiber",
    "seeding",
    "sunset",
    "volna",
    "wine",
    "picosdeeuropa",
    "aitzgorri",
    "life",
    "friends",
}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=Path, default=Path(tempfile.gettempdir()) / "edit_check_cases.jsonl")
    parser.add_argument("--sizes", type=Path, default=Path(tempfile.gettempdir()) / "edit_check_sizes.jsonl")
    parser.add_argument("--details", type=Path, default=Path(tempfile.gettempdir()) / "edit_check_details.jsonl")
    parser.add_argument("--large", type=int, default=len(LARGE), help="photographs that are measured at several sizes")
    parser.add_argument("--summary", action="store_true", help="only summarize what was measured")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    with torch.inference_mode():
        if not options.summary:
            measure(options.cases)
            measure_sizes(options.sizes, options.large)
            measure_details(options.details)
        summary = summarize(read(options.cases), read(options.sizes))
        harness.save("edit_check", {**summary, "detail along the border": details(read(options.details))})
