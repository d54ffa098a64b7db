"""Where the limits of the motion-readiness check come from: clean stills against injected defects, and rival measures.

PHOTOS_PATH=<folder of PNG photographs> python benchmarks/motion.py [values.jsonl]

Every still is reduced to the canvas first, so that a defect has the stated size there. With a file name, values measured
before are read from it, and new ones written to it.
"""

from __future__ import annotations

import io
import json
import random
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import calibration
import cv2
import harness
import numpy as np
import torch
import torch.nn.functional as F
from edit_first.checks import outline
from edit_first.checks.bands import BINS, RING_SHARE
from edit_first.checks.motion import check_motion
from edit_first.checks.report import Report
from edit_first.checks.seam import seam_steps
from edit_first.checks.texture import texture_report
from edit_first.checks.thresholds import threshold
from edit_first.checks.video_models import ANY_MODEL, video_model
from edit_first.imaging import artifacts, color, edge_quality, masks, overlay
from PIL import Image
from scipy.special import gamma as gamma_function
from torch import Tensor

SOURCE_PX = 2400  # photographs are read no larger
SIZES_MODEL = "Wan 480p (832x480)"
SIZES_PX = (512, 1024, 2048, 3840)
LEAST_FOR_SIZES_PX = 1920  # longer side of the photographs of which several sizes are made
Change = Callable[[Tensor, int], Tensor]


# ------------------------------------------------------------------ stills and defects


def still(image: Tensor) -> Tensor:
    """A photograph reduced to the canvas of its own shape."""
    width, height = video_model(ANY_MODEL).canvas_for(image.shape[3], image.shape[2])
    return F.interpolate(image, (height, width), mode="bicubic", antialias=True).clamp(0, 1)


def noise(levels: float) -> Change:
    return lambda image, seed: image + torch.randn(image.shape, generator=calibration.seeded(seed)) * levels / 255


def blur(sigma: float) -> Change:
    return lambda image, seed: masks.gaussian_blur(image, sigma)


def sharpen(sigma: float, amount: float) -> Change:
    return lambda image, seed: image + amount * (image - masks.gaussian_blur(image, sigma))


def jpeg(quality: int) -> Change:
    def change(image: Tensor, seed: int) -> Tensor:
        buffer = io.BytesIO()
        overlay.to_pil(image).save(buffer, "JPEG", quality=quality)
        return overlay.from_pil(Image.open(buffer))

    return change


def enlarged(factor: float, mode: str) -> Change:
    def change(image: Tensor, seed: int) -> Tensor:
        size = image.shape[2:]
        small = [round(side / factor) for side in size]
        return F.interpolate(F.interpolate(image, small, mode="bicubic", antialias=True), size, mode=mode)

    return change


def posterized(levels: int) -> Change:
    return lambda image, seed: (image * (levels - 1)).round() / (levels - 1)


def exposed(stops: float) -> Change:
    return lambda image, seed: color.linear_to_srgb((color.srgb_to_linear(image) * 2**stops).clamp(0, 1))


def specks(count: int, contrast: float = 0.3) -> Change:
    def change(image: Tensor, seed: int) -> Tensor:
        generator, image = calibration.seeded(seed), image.clone()
        height, width = image.shape[2:]
        rows, columns = torch.arange(height)[:, None], torch.arange(width)[None, :]
        for _ in range(count):
            x, y, size = torch.rand(3, generator=generator).tolist()
            x, y = int(20 + x * (width - 40)), int(20 + y * (height - 40))
            alpha = (2 + 2 * size - ((columns - x) ** 2 + (rows - y) ** 2).sqrt()).clamp(0, 1)
            ground = float(image[..., y - 8 : y + 8, x - 8 : x + 8].mean())
            image = torch.lerp(image, torch.full_like(image, ground + contrast * (-1) ** (ground > 0.5)), alpha)
        return image

    return change


CLEAN: dict[str, Change] = {
    "clean": lambda image, seed: image,
    "noise 2/255": noise(2),
    "JPEG 95": jpeg(95),
    "night": lambda image, seed: image**2.2,
    "fog": lambda image, seed: 0.35 * image + 0.5,
}
DEFECTS: dict[str, tuple[str, Change]] = {
    **{f"blur {sigma:g} px": ("focus_edge_px", blur(sigma)) for sigma in (0.7, 1, 1.5, 2, 3)},
    **{f"enlarged {factor:g}x": ("focus_edge_px", enlarged(factor, "bilinear")) for factor in (2, 3)},
    **{f"doubled pixels {factor}x": ("jagged_edge_energy", enlarged(factor, "nearest")) for factor in (2, 3)},
    "sharpened 1 px, 100 %": ("ringing_overshoot", sharpen(1, 1)),
    "sharpened 2 px, 200 %": ("ringing_overshoot", sharpen(2, 2)),
    "sharpened 4 px, 100 %": ("ringing_overshoot", sharpen(4, 1)),
    **{f"JPEG {quality}": ("blockiness_excess", jpeg(quality)) for quality in (40, 20, 10)},
    **{f"{levels} levels": ("banded_fraction", posterized(levels)) for levels in (32, 16)},
    **{f"exposed {stops:+g} EV": ("burnt_fraction", exposed(stops)) for stops in (1, 2)},
    **{f"{count} specks": ("floating_specks", specks(count)) for count in (3, 8)},
    "8 faint specks": ("floating_specks", specks(8, 0.15)),
}


# ------------------------------------------------------------------ edits and subjects


def region_only(change: Change) -> Callable[[Tensor, Tensor, int], Tensor]:
    return lambda image, mask, seed: torch.where(mask > 0, change(image, seed), image)


def rim(width_px: float, opacity: float, shade: float) -> Callable[[Tensor, Tensor, int], Tensor]:
    def change(image: Tensor, mask: Tensor, seed: int) -> Tensor:
        distance = masks.signed_distance(mask)
        band = masks.gaussian_blur(((distance < 0) & (distance >= -width_px)).float(), 0.6)
        return torch.lerp(image, torch.full_like(image, shade), opacity * band)

    return change


def tone(step: float, feather_px: float = 0) -> Callable[[Tensor, Tensor, int], Tensor]:
    def change(image: Tensor, mask: Tensor, seed: int) -> Tensor:
        lab = color.srgb_to_oklab(image)
        weight = masks.feather_inward(mask, feather_px)
        return color.oklab_to_srgb(torch.cat((lab[:, :1] + weight * step / 100, lab[:, 1:]), 1))

    return change


def around_only(change: Change) -> Callable[[Tensor, Tensor, int], Tensor]:
    return lambda image, mask, seed: torch.where(mask > 0, image, change(image, seed))


EDIT_CLEAN = {
    "clean": region_only(CLEAN["clean"]),
    "edit with noise 1.5/255": region_only(noise(1.5)),
    "edit from JPEG 95": region_only(jpeg(95)),
    "still with grain 4/255": lambda image, mask, seed: noise(4)(image, seed),
}
EDIT_DEFECTS = {
    "edit blurred 1 px": ("blind_sharpness", region_only(blur(1))),
    "edit blurred 2 px": ("blind_sharpness", region_only(blur(2))),
    "sharp edit in a still blurred 1.5 px": ("blind_sharpness", around_only(blur(1.5))),
    "edit with grain 4/255": ("blind_grain", region_only(noise(4))),
    "edit without the still's grain 4/255": ("blind_grain", around_only(noise(4))),
    "light rim 3 px, 50 %": ("outline_halo", rim(3, 0.5, 1.0)),
    "dark rim 3 px, 50 %": ("outline_halo", rim(3, 0.5, 0.0)),
    **{f"edit {step} lighter": ("blind_seam_step", tone(step)) for step in (2, 4, 8)},
    **{f"edit {step} lighter, feathered 6 px": ("blind_seam_step", tone(step, 6)) for step in (2, 4, 8)},
}
KINDS = ("blob", "object", "outline")


def edit_masks(image: Tensor, seed: int) -> dict[str, Tensor]:
    """An ellipse anywhere, a segment that follows the picture's edges roughly, and one that follows them to the pixel."""
    found = {"blob": calibration.blob_mask(image, seed), "object": calibration.object_mask(image, seed)}
    found["outline"] = outline_mask(image, seed)
    return {kind: whole(mask) for kind, mask in found.items() if mask is not None}


def outline_mask(image: Tensor, seed: int) -> Tensor | None:
    """A segment of 1 to 25 % of the frame with the picture's own edges for its outline, as a matte has them."""
    from skimage.segmentation import felzenszwalb

    labels = felzenszwalb(image[0].permute(1, 2, 0).numpy(), scale=600, sigma=0.6, min_size=1500)
    areas = np.bincount(labels.ravel()) / labels.size
    usable = np.flatnonzero((areas >= 0.01) & (areas <= 0.25))
    if not len(usable):
        return None
    chosen = usable[int(torch.randint(len(usable), (1,), generator=calibration.seeded(seed)))]
    return torch.from_numpy((labels == chosen).astype(np.float32))[None, None]


def dots(mask: Tensor, seed: int, value: float) -> Tensor:
    """Three dots of 2 px radius, set into a mask outside or inside of it."""
    mask, generator = mask.clone(), calibration.seeded(seed)
    distance = masks.signed_distance(mask)[0, 0] * (1 if value == 0 else -1)
    places = (distance > min(8.0, 0.7 * float(distance.max()))).nonzero()
    for index in torch.randint(len(places), (3,), generator=generator).tolist():
        y, x = places[index].tolist()
        mask[:, :, max(0, y - 2) : y + 2, max(0, x - 2) : x + 2] = value
    return mask


def teeth(mask: Tensor, seed: int) -> Tensor:
    """An outline torn by about 3 px."""
    wobble = masks.gaussian_blur(torch.randn(mask.shape, generator=calibration.seeded(seed)), 1.5)
    return (masks.signed_distance(mask) > 3 * wobble / wobble.std()).float()


def whole(mask: Tensor) -> Tensor:
    """A mask's largest part without holes: what a clean matte is."""
    contours, _ = cv2.findContours((mask[0, 0] > 0).byte().numpy(), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    plane = np.zeros(mask.shape[2:], np.uint8)
    cv2.drawContours(plane, [max(contours, key=cv2.contourArea)], -1, 1, cv2.FILLED)
    return torch.from_numpy(plane.astype(np.float32))[None, None]


MATTES = {
    "matte with 3 dots": ("matte_fragments", lambda mask, seed: dots(mask, seed, 1.0)),
    "matte with 3 holes": ("matte_holes", lambda mask, seed: dots(mask, seed, 0.0)),
    "torn matte": ("matte_ragged_px", teeth),
}


# ------------------------------------------------------------------ rivals


def _mscn(plane: np.ndarray) -> np.ndarray:
    mean = cv2.GaussianBlur(plane, (7, 7), 7 / 6)
    spread = np.sqrt(np.abs(cv2.GaussianBlur(plane**2, (7, 7), 7 / 6) - mean**2))
    return (plane - mean) / (spread + 1)


_SHAPES = np.arange(0.2, 10, 0.001)
_RATIOS = gamma_function(2 / _SHAPES) ** 2 / (gamma_function(1 / _SHAPES) * gamma_function(3 / _SHAPES))


def nss_features(plane: np.ndarray) -> list[float]:
    """Statistics of natural scenes at two scales, as BRISQUE and NIQE take them (shape, spread, neighbor products)."""
    found = []
    for scale in (1, 2):
        values = _mscn(plane if scale == 1 else cv2.resize(plane, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
        ratio = np.abs(values).mean() ** 2 / max(float((values**2).mean()), 1e-12)
        found += [float(_SHAPES[np.abs(_RATIOS - ratio).argmin()]), float((values**2).mean())]
        for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
            product = values * np.roll(values, (dy, dx), (0, 1))
            found += [float(product.mean()), float(product[product < 0].std()), float(product[product > 0].std())]
    return [value if np.isfinite(value) else 0.0 for value in found]


def rivals(image: Tensor) -> dict:
    """What others judge a still by."""
    plane = (color.luma(image)[0, 0] * 255).numpy()
    return {
        "laplacian_variance": float(cv2.Laplacian(plane, cv2.CV_32F).var()),
        "tenengrad": float((cv2.Sobel(plane, cv2.CV_32F, 1, 0) ** 2 + cv2.Sobel(plane, cv2.CV_32F, 0, 1) ** 2).mean()),
        "nss": nss_features(plane),
    }


def _blocks(plane: np.ndarray) -> np.ndarray:
    """Means of blocks of 8 px."""
    rows, columns = plane.shape[0] // 8, plane.shape[1] // 8
    return cv2.resize(
        plane[: rows * 8, : columns * 8].astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA
    )


def edit_rivals(image: Tensor, mask: Tensor) -> dict:
    """What an edit can be judged by as simply: detail and noise of blocks against the ring's, and the border's step."""
    luma, inside = color.luma(image)[0, 0].numpy(), _blocks(mask[0, 0].numpy())
    away = cv2.distanceTransform((inside == 0).astype(np.uint8), cv2.DIST_L2, 5) * 8
    inside, ring = inside > 0.999, (inside == 0) & (away <= RING_SHARE * max(luma.shape))
    fine, mid = (cv2.GaussianBlur(luma, (0, 0), sigma) for sigma in (0.8, 1.6))
    detail = [_blocks(np.abs(band)) for band in (luma - fine, fine - mid)]
    noise = 1.2533 * _blocks(np.abs(cv2.filter2D(luma, -1, edge_quality.IMMERKAER)))
    distance = masks.signed_distance(mask)[0, 0].numpy()
    lab = (100 * color.srgb_to_oklab(image))[0].permute(1, 2, 0).numpy()
    step = seam_steps(lab, distance)[0] - max(seam_steps(lab, distance - shift)[0] for shift in (-9.0, 9.0))
    found = {
        "band_ratio": _band_ratio(*detail, inside, ring),
        "noise_ratio": _noise_ratio(noise, detail[1], _blocks(luma), inside, ring),
        "border_step": step,
    }
    return {name: value for name, value in found.items() if value is not None}


def _band_ratio(fine: np.ndarray, mid: np.ndarray, inside: np.ndarray, ring: np.ndarray) -> float | None:
    """Doublings by which fine over mid detail differs, either way, at like mid detail; at least 3 blocks in each bin."""
    sharp = np.log2((fine + 0.001) / (mid + 0.001))
    if min(inside.sum(), ring.sum()) < 3:
        return None
    edges = np.quantile(np.concatenate((mid[inside], mid[ring])), np.linspace(0, 1, BINS + 1))[1:-1]
    values, weights = [], []
    for index in range(BINS):
        here, there = (sharp[side & (np.searchsorted(edges, mid) == index)] for side in (inside, ring))
        if min(len(here), len(there)) >= 3:
            values.append(np.median(here) - np.median(there))
            weights.append(len(here))
    return abs(float(np.average(values, weights=weights))) if values else None


def _noise_ratio(
    noise: np.ndarray, mid: np.ndarray, mean: np.ndarray, inside: np.ndarray, ring: np.ndarray
) -> float | None:
    """Doublings by which the median noise of the 35 % least structured blocks differs, at least 12 on either side."""
    inside, ring = (side & (mean > 0.03) & (mean < 0.97) for side in (inside, ring))
    if min(inside.sum(), ring.sum()) < 12:
        return None
    flat = mid <= np.quantile(np.concatenate((mid[inside], mid[ring])), 0.35)
    if min((inside & flat).sum(), (ring & flat).sum()) < 12:
        return None
    levels = [float(np.median(noise[side & flat])) + 1 / 255 for side in (inside, ring)]
    return abs(float(np.log2(levels[0] / levels[1])))


EDIT_RIVALS = {"blind_sharpness": "band_ratio", "blind_grain": "noise_ratio", "blind_seam_step": "border_step"}


# ------------------------------------------------------------------ measuring


def entry(photo: calibration.Photo, report: Report) -> dict:
    """Values of one case; the verdicts are drawn from the table when they are summed up."""
    values = {f"{m.metric}/{m.subject}".rstrip("/"): m.value for m in report.measurements}
    return {"photo": photo.name, "half": photo.half, "values": values}


def one(photo: calibration.Photo, metric: str, value: float | None) -> dict:
    """The value of a single metric of one case."""
    return {"photo": photo.name, "half": photo.half, "values": {metric: value}}


PICTURE_METRICS: dict[str, Callable[[Tensor], float | None]] = {
    "focus_edge_px": lambda image: edge_quality.edge_width_px(edge_quality.find_edges(image)),
    "ringing_overshoot": lambda image: edge_quality.ringing(edge_quality.find_edges(image))[0],
    "jagged_edge_energy": lambda image: edge_quality.jaggedness(edge_quality.find_edges(image))[0],
    "floating_specks": lambda image: len(artifacts.specks(color.lightness(image)[0, 0].numpy())),
    "burnt_fraction": lambda image: float(artifacts.burnt(image).mean()),
    "banded_fraction": lambda image: float(artifacts.banding(image).mean()),
    "blockiness_excess": artifacts.blockiness,
}


def measure(photo: calibration.Photo, number: int) -> dict[str, dict]:
    """Every case of a photograph: clean ones by the whole check, defects by the metric that is meant to see them.

    The tuning half sets limits, so it is measured clean only.
    """
    picture, found = still(photo.load(SOURCE_PX)), {}
    for name, change in CLEAN.items():
        changed = change(picture, number).clamp(0, 1)
        found[name] = {**entry(photo, check_motion(changed).report), "rivals": rivals(changed)}
    for name, (metric, change) in DEFECTS.items() if photo.half == "verify" else ():
        changed = change(picture, number).clamp(0, 1)
        found[name] = {**one(photo, metric, PICTURE_METRICS[metric](changed)), "rivals": rivals(changed)}
    return found


def edit_metric(metric: str, image: Tensor, mask: Tensor) -> float | None:
    """One measurement of an edit."""
    if metric == "outline_halo":
        return outline.halo(color.lightness(image)[0, 0].numpy(), mask, "edit").measurement.value
    if metric == "blind_seam_step":
        return outline.blind_seam(image, mask).measurement.value
    return next(m.value for m in texture_report(image, mask).measurements if m.metric == metric)


def measure_masked(photo: calibration.Photo, number: int) -> dict[str, dict]:
    """Every case of a photograph with an edit or a subject."""
    picture, found = still(photo.load(SOURCE_PX)), {}
    for kind, mask in edit_masks(picture, number).items():
        for name, change in EDIT_CLEAN.items():
            changed = change(picture, mask, number).clamp(0, 1)
            report = check_motion(changed, edit_mask=mask).report
            found[f"edit, {kind}: {name}"] = {**entry(photo, report), "rivals": edit_rivals(changed, mask)}
        for name, (metric, change) in EDIT_DEFECTS.items() if photo.half == "verify" else ():
            if kind == "outline" and metric != "blind_seam_step":
                continue  # an exact outline is a matter of the seam alone; within it is what a rough one holds
            changed = change(picture, mask, number).clamp(0, 1)
            key = metric + ("/edit" if metric == "outline_halo" else "")
            case = one(photo, key, edit_metric(metric, changed, mask))
            found[f"edit, {kind}: {name}"] = {**case, "rivals": edit_rivals(changed, mask)}
        if kind == "outline":
            continue  # a segment as ragged as its texture is no clean matte
        found[f"matte, {kind}: clean"] = entry(photo, check_motion(picture, subject_mask=mask).report)
        for name, (metric, change) in MATTES.items() if photo.half == "verify" else ():
            matte = {f.measurement.metric: f.measurement.value for f in outline.matte_findings(change(mask, number))}
            found[f"matte, {kind}: {name}"] = one(photo, metric, matte[metric])
    return found


def measure_sizes(photo: calibration.Photo) -> dict[str, dict]:
    """A photograph at several sizes; nothing for small ones."""
    image, found = photo.load(), {}
    if max(image.shape[2:]) < LEAST_FOR_SIZES_PX:
        return {}
    for size in SIZES_PX:
        sides = [round(side * size / max(image.shape[2:])) for side in image.shape[2:]]
        scaled = F.interpolate(image, sides, mode="bicubic", antialias=True).clamp(0, 1)
        found[str(size)] = entry(photo, check_motion(scaled, model=SIZES_MODEL).report)
    return found


def measured(kept: Path | None) -> dict:
    """All values: cases by name, and sizes by photograph. What `kept` holds already is not measured again."""
    lines = kept.read_text().splitlines() if kept and kept.is_file() else []
    known = {line["key"]: line["found"] for line in map(json.loads, lines)}
    photos = list(enumerate(calibration.photo_set()))
    random.Random(0).shuffle(photos)  # so that a run cut short has seen all kinds
    jobs = {photo.name: lambda photo=photo, number=number: measure(photo, number) for number, photo in photos}
    for number, photo in photos:
        jobs[f"masked/{photo.name}"] = lambda photo=photo, number=number: measure_masked(photo, number)
    for number, photo in photos:
        if number % 4 == 0:
            jobs[f"sizes/{photo.name}"] = lambda photo=photo: measure_sizes(photo)
    for key, job in jobs.items():
        if key not in known:
            known[key] = job()
            if kept:
                with kept.open("a") as file:
                    file.write(json.dumps({"key": key, "found": known[key]}) + "\n")
    cases: dict[str, list[dict]] = {}
    for key, found in known.items():
        for name, case in found.items() if not key.startswith("sizes/") else ():
            cases.setdefault(name, []).append(case)
    sizes = {key.removeprefix("sizes/"): found for key, found in known.items() if key.startswith("sizes/") and found}
    return {"cases": cases, "sizes": sizes}


def missed(case: dict, *, facts: bool = False) -> dict[str, str]:
    """What does not pass at production, and how; without facts of size and crop unless asked."""
    verdicts = {
        key: threshold(key.split("/")[0]).verdict(value, "production")
        for key, value in case["values"].items()
        if facts or not key.startswith("intake")
    }
    return {key: verdict for key, verdict in verdicts.items() if verdict != "pass"}


# ------------------------------------------------------------------ summing up


def of(cases: list[dict], metric: str, half: str | None = "verify") -> dict[str, list[float]]:
    """Values of a metric by photograph."""
    values: dict[str, list[float]] = {}
    for case in cases:
        if half in (None, case["half"]) and (value := case["values"].get(metric)) is not None:
            values.setdefault(case["photo"], []).append(value)
    return values


def detection(clean: dict, defective: dict) -> dict:
    """AUC and detection rate with intervals."""
    flat = [sum(group.values(), []) for group in (clean, defective)]
    return {
        "n": len(flat[1]),
        "auc": round(calibration.area_under_curve(*flat), 3),
        "auc_interval": calibration.interval(calibration.area_under_curve, clean, defective),
        "tpr_at_5": round(calibration.detection_rate(*flat), 3),
        "tpr_interval": calibration.interval(calibration.detection_rate, clean, defective),
    }


def over(cases: list[dict], metric: str) -> dict:
    """Share of cases that miss each limit."""
    values, row = sum(of(cases, metric).values(), []), threshold(metric.split("/")[0])
    if row.production is None or not values:
        return {}
    return {
        level: round(float(np.mean([not row.meets(value, level) for value in values])), 3)
        for level in ("production", "good enough")
    }


def rival_detection(found: dict, case: str) -> dict:
    """AUC and detection rate of every rival in its better direction, on the verifying half."""
    train = np.array([c["rivals"]["nss"] for c in found["clean"] if c["half"] == "tune"])
    center, inverse = train.mean(0), np.linalg.pinv(np.cov(train.T))

    def values(cases: list[dict], name: str) -> list[float]:
        chosen = [c["rivals"] for c in cases if c["half"] == "verify" and name in c["rivals"]]
        if name != "nss":
            return [entry[name] for entry in chosen]
        return [float((off := np.array(entry["nss"]) - center) @ inverse @ off) for entry in chosen]

    result = {}
    for name in ("laplacian_variance", "tenengrad", "nss"):
        clean, bad = sum((values(found[c], name) for c in CLEAN), []), values(found[case], name)
        if bad:
            sign = 1 if calibration.area_under_curve(clean, bad) >= 0.5 else -1
            clean, bad = [sign * v for v in clean], [sign * v for v in bad]
            auc, rate = calibration.area_under_curve(clean, bad), calibration.detection_rate(clean, bad)
            result[name] = {"auc": round(auc, 3), "tpr_at_5": round(rate, 3)}
    return result


def masked(found: dict, group: str, names: Iterable[str], kinds: Iterable[str] = KINDS) -> list[dict]:
    """Cases with a mask of the given kinds: `group` is "edit" or "matte"."""
    return [case for kind in kinds for name in names for case in found.get(f"{group}, {kind}: {name}", [])]


def limits(found: dict) -> dict:
    """What clean stills of the tuning half measure, beside the table's limits."""
    result = {}
    groups = {
        "no mask": [case for name in CLEAN for case in found[name]],
        "edit": masked(found, "edit", EDIT_CLEAN, KINDS[:2]),
        "edit, outline": masked(found, "edit", EDIT_CLEAN, KINDS[2:]),
        "matte": masked(found, "matte", ["clean"]),
    }
    of_picture = set(found["clean"][0]["values"])
    for group, cases in groups.items():
        for metric in cases[0]["values"]:
            row, values = threshold(metric.split("/")[0]), sum(of(cases, metric, "tune").values(), [])
            told_before = metric in of_picture and group != "no mask"
            if row.production is None or not values or told_before or metric.startswith("intake"):
                continue
            name = f"{metric}, outline" if group == "edit, outline" else metric
            shares = (0.5, 0.95, 0.98, 1) if row.better == "lower" else (0.5, 0.05, 0.02, 0)
            result[name] = {
                "group": group,
                "n": len(values),
                **{f"p{100 * share:g}": round(float(np.quantile(values, share)), 4) for share in shares},
                "production": row.production,
                "good_enough": row.good_enough,
            }
    return result


def alarms(cases: list[dict], half: str) -> dict:
    """Share of stills that get any fail and any warning from what is measured in the picture."""
    chosen = [case for case in cases if case["half"] == half]
    found = [missed(case) for case in chosen]
    which: dict[str, int] = {}
    for case in found:
        for metric in case:
            which[metric] = which.get(metric, 0) + 1
    return {
        "n": len(chosen),
        "fail": round(float(np.mean(["fail" in case.values() for case in found])), 4),
        "warn": round(float(np.mean(["warn" in case.values() for case in found])), 4),
        "by": dict(sorted(which.items(), key=lambda item: -item[1])),
    }


def flips(sizes: dict) -> dict:
    """Share of photographs whose verdict is not the same at every size, whole and without facts of the size itself."""

    def verdict(case: dict, facts: bool) -> str:
        found = missed(case, facts=facts).values()
        return "fail" if "fail" in found else "warn" if found else "pass"

    result = {"n": len(sizes)}
    for facts in (False, True):
        rows = [[verdict(case, facts) for case in photo.values()] for photo in sizes.values()]
        pairs = [(row[a], row[b]) for row in rows for a in range(len(row)) for b in range(a)]
        name = "with intake" if facts else "picture only"
        result[name] = {
            "photographs with more than one verdict": round(float(np.mean([len(set(row)) > 1 for row in rows])), 4),
            "pairs that differ": round(float(np.mean([a != b for a, b in pairs])), 4),
            "photographs that change between ready and not": round(
                float(np.mean([len({v == "fail" for v in row}) > 1 for row in rows])), 4
            ),
        }
    return result


def edit_detection(found: dict) -> dict:
    """How well each metric of an edit or a matte finds its defect, for every kind of mask, beside its rival."""
    result = {}
    for group, defects, clean_names in (("edit", EDIT_DEFECTS, EDIT_CLEAN), ("matte", MATTES, ("clean",))):
        for name, (metric, _) in defects.items():
            for kind in KINDS:
                cases = masked(found, group, [name], [kind])
                if not cases:
                    continue
                key = metric + ("/edit" if metric == "outline_halo" else "")
                clean = masked(found, group, clean_names, [kind])
                row = {"metric": metric, "of": len(cases), **detection(of(clean, key), of(cases, key))}
                row["over"] = over(cases, key)
                if rival := EDIT_RIVALS.get(metric):
                    row["rival"] = {
                        "metric": rival,
                        **detection(rival_values(clean, rival), rival_values(cases, rival)),
                    }
                result[f"{name}, {kind}"] = row
    return result


def rival_values(cases: list[dict], rival: str) -> dict[str, list[float]]:
    """Values of a rival on the verifying half, by photograph."""
    return of([{**case, "values": case["rivals"]} for case in cases], rival)


def alarms_by_kind(found: dict[str, list[dict]], half: str) -> dict:
    """False alarms of clean stills, with and without masks."""
    return {
        **{name: alarms(found[name], half) for name in CLEAN},
        "all": alarms([case for name in CLEAN for case in found[name]], half),
        **{f"edit: {name}": alarms(masked(found, "edit", [name], KINDS[:2]), half) for name in EDIT_CLEAN},
        **{f"edit, {kind}": alarms(masked(found, "edit", EDIT_CLEAN, [kind]), half) for kind in KINDS},
        "edit": alarms(masked(found, "edit", EDIT_CLEAN), half),
        **{f"matte, {kind}": alarms(masked(found, "matte", ["clean"], [kind]), half) for kind in KINDS[:2]},
        "matte": alarms(masked(found, "matte", ["clean"]), half),
    }


def summarize(values: dict) -> dict:
    """The page's figures."""
    found = values["cases"]
    result: dict = {"photos": len({case["photo"] for case in found["clean"]}), "limits": limits(found)}
    for half in calibration.HALVES:
        result[f"false alarms, {half}"] = alarms_by_kind(found, half)
    result["detection"] = {}
    for name, (metric, _) in DEFECTS.items():
        clean = of([case for kind in CLEAN for case in found[kind]], metric)
        ours = {"metric": metric, **detection(clean, of(found[name], metric)), "over": over(found[name], metric)}
        result["detection"][name] = {**ours, "rivals": rival_detection(found, name)}
    result["detection of edits"] = edit_detection(found)
    if values["sizes"]:
        result["sizes"] = flips(values["sizes"])
    return result


if __name__ == "__main__":
    torch.set_num_threads(1)
    kept = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    harness.save("motion", summarize(measured(kept)))
