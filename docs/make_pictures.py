"""Make the pictures of the help pages, the gallery and the template thumbnails: `python docs/make_pictures.py [name …]`.

Everything is the library at work on the sample photographs, at 100 %. Where a model would have rendered a frame, a
stand-in does: it recolors the object and drifts as image-editing models do (`headless/demo.py`).
"""

from __future__ import annotations

import importlib
import io
import json
import sys
import tempfile
import textwrap
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont, ImageOps
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
importlib.import_module("conftest")  # loads the pack as `edit_first`

from edit_first.checks import complexity, motion  # noqa: E402
from edit_first.checks.edit import check_edit  # noqa: E402
from edit_first.headless import demo, files  # noqa: E402
from edit_first.imaging import (  # noqa: E402
    color,
    crop,
    grain,
    harmonize,
    lock,
    masks,
    overlay,
    product,
    recolor,
    regions,
    seam,
    shadow,
    zones,
)

PAGES = ROOT / "js" / "docs" / "images"
MOST_BYTES = 60_000
INK, PAPER, BAR_PX, GAP_PX = "#e8e8e8", "#202020", 24, 6
WINDOW = (290, 250)  # width and height of most panels, in px
HALF = (238, 360)  # one of two pictures beside each other on a card
THUMBNAIL = (480, 360)  # width and height of a template's card

SKU_COLORS = ("#0057b8", "#1d9a8a", "#e0b020", "#7a3f9d")

Panel = tuple[str, Tensor]  # a title and a picture (1, 3, H, W)


# The scenes


@cache
def photo(name: str) -> Tensor:
    """A sample photograph (1, 3, H, W)."""
    return files.read_image(demo.PHOTOS / name)[0].movedim(3, 1).contiguous()


@cache
def coffee() -> tuple[Tensor, Tensor, zones.Zones]:
    """The red cup, the mask of its glaze, and the zones of the demo."""
    scene, picture = demo.SCENES[0], photo("coffee.png")
    drawn = zones.Zones.from_json(json.dumps(scene.zones))
    return picture, demo.object_mask(picture, scene, drawn), drawn


def drifted(image: Tensor, stops: float = 0.0, warmth: float = 0.0) -> Tensor:
    """A frame as a model gives it back: other exposure and white balance, a little soft, without grain."""
    gain = torch.tensor([2 ** (stops + warmth), 2**stops, 2 ** (stops - warmth)]).view(1, 3, 1, 1)
    light = color.linear_to_srgb((color.srgb_to_linear(image) * gain).clamp(0, 1))
    return masks.gaussian_blur(light, 0.6)


@cache
def teal_frame() -> Tensor:
    """The model's raw frame: cup and saucer teal, the whole frame darker and colder."""
    picture, _, drawn = coffee()
    return drifted(demo.stand_in_model(picture, demo.SCENES[0], drawn), -0.25, -0.08)


@cache
def can(label_color: str = "#0057b8") -> tuple[Tensor, Tensor]:
    """A packshot: a rendered can with a label, and its mask (1, 1, H, W)."""
    width, height, over = 300, 520, 2
    w, h = width * over, height * over
    y, x = np.mgrid[:h, :w].astype(np.float32)
    across = np.clip((x - w / 2) / (w * 0.46), -1, 1)
    dip = np.sqrt(np.clip(1 - across**2, 0, 1)) * w * 0.10  # how far the rim comes toward the camera
    around = (np.arcsin(across) / np.pi + 0.5) * w
    label = _label(w, h, label_color)
    rows = np.clip(y - dip, 0, h - 1).astype(int)
    body = np.asarray(label, np.float32)[rows, np.clip(around, 0, w - 1).astype(int)] / 255
    light = (
        0.35 + 0.65 * np.clip(np.cos(np.arcsin(across) - 0.5), 0, 1) + 0.5 * np.exp(-(((across - 0.35) / 0.09) ** 2))
    )
    body = np.clip(body * light[..., None] * 0.9, 0, 1)
    lid = ((x - w / 2) / (w * 0.46)) ** 2 + ((y - h * 0.12) / (w * 0.10)) ** 2 <= 1
    body[lid] = (0.62 + 0.2 * across[lid])[:, None] * np.array([0.97, 0.98, 1.0], np.float32)
    inside = lid | ((np.abs(x - w / 2) <= w * 0.46) & (y >= h * 0.12) & (y <= h * 0.86 + dip))
    planes = torch.from_numpy(np.dstack([body, inside.astype(np.float32)])).movedim(2, 0)[None]
    small = torch.nn.functional.avg_pool2d(planes, over)
    return small[:, :3].contiguous(), small[:, 3:].contiguous()


def _label(width: int, height: int, fill: str) -> Image.Image:
    """The can's label, unrolled over its front half."""
    label = Image.new("RGB", (width, height), "#f4f1ea")
    draw = ImageDraw.Draw(label)
    draw.rectangle((0, height * 0.30, width, height * 0.58), fill=fill)
    draw.rectangle((0, height * 0.60, width, height * 0.615), fill=fill)
    font = ImageFont.load_default(width // 8)
    for text, y, ink in (("EDIT", 0.345, "white"), ("FIRST", 0.45, "white")):
        left, _, right, _ = draw.textbbox((0, 0), text, font=font)
        draw.text(((width - right + left) / 2, height * y), text, font=font, fill=ink)
    return label


SLOT = (0.44, 0.24, 0.68, 0.74)  # where the can stands on the floor: left, top, right, bottom


@cache
def floor() -> Tensor:
    """The brick photograph as a floor in warm light."""
    warm = torch.tensor([1.5, 1.05, 0.72]).view(1, 3, 1, 1)
    return color.linear_to_srgb((color.srgb_to_linear(photo("brick.png")) * 1.5 * warm).clamp(0, 1))


def can_on_floor(label_color: str = SKU_COLORS[0], **options) -> product.Swap:
    """The can on the brick floor."""
    height, width = floor().shape[2:]
    left, top, right, bottom = (round(share * side) for share, side in zip(SLOT, (width, height) * 2, strict=True))
    slot = torch.zeros(1, 1, height, width)
    slot[..., top:bottom, left:right] = 1
    return product.swap(floor(), *can(label_color), target_mask=slot, **options)


# One function for each help page: rows of panels


def anchor_zone_mask():
    picture, _, drawn = coffee()
    edit, locked = zones.edit_and_lock_masks(picture, drawn)
    shown = overlay.draw_zones(picture, drawn, edit, locked)
    return [[("draw: edit orange, anchor blue", half(shown)), ("edit_mask", half(gray(edit)))]]


def add_zone():
    picture = photo("chelsea.png")
    boxes = [{"x": 128, "y": 88, "width": 90, "height": 64}, {"x": 288, "y": 112, "width": 78, "height": 60}]
    named = zones.Zones().add(*zones.zones_from_inputs("eye", "anchor", "", 1.0, None, boxes, (451, 300)))
    nothing = torch.zeros(1, 1, 300, 451)
    locked = zones.zones_mask(named, 451, 300)
    boxed = outlined(picture, [(b["x"], b["y"], b["width"], b["height"]) for b in boxes])
    shown = overlay.draw_zones(picture, named, nothing, nothing + locked * 0)
    return [[("a detector's boxes", window(boxed, 100, 40)), ("named zones", window(shown, 100, 40))]]


def zone_mask():
    picture, _, drawn = coffee()
    height, width = picture.shape[2:]
    whole = [gray(zones.zones_mask(drawn.select(name), width, height)) for name in ("saucer", "espresso")]
    return [[("name = saucer", half(whole[0])), ("name = espresso", half(whole[1]))]]


def regional_prompt():
    picture, _, drawn = coffee()
    prompted = zones.Zones(frame=(600, 400)).add(
        *zones.Zones.from_json(
            '[{"name":"turquoise cup","role":"edit","shape":"ellipse","points":[[0.10,0.10],[0.84,0.98]],"prompt":"x"},'
            '{"name":"a fern","role":"edit","shape":"box","points":[[0.74,0.02],[0.99,0.5]],"prompt":"x"}]'
        )
    )
    shown = overlay.draw_zones(picture, prompted, torch.zeros(1, 1, 400, 600), torch.zeros(1, 1, 400, 600))
    first, second = (
        torch.nn.functional.interpolate(region.mask, (400, 600), mode="bilinear")
        for region in regions.zone_regions(prompted, 1.0, 48)
    )
    total = (first + second).clamp(min=1)
    shares = (first / total, second / total)
    weights = 0.85 - sum(
        share * (0.85 - color.swatch(name, picture)) for share, name in zip(shares, ("#1d9a8a", "#7a9a1d"), strict=True)
    )
    return [[("zones with prompts", half(shown)), ("whose words count, feather 48", half(weights))]]


def region_crop():
    picture = photo("astronaut.png")
    patch = zones.Zones.from_json(json.dumps([demo.SCENES[1].zones[2]]))
    mask = zones.zones_mask(patch, 512, 512)
    plan = crop.plan_crop(mask, resize="megapixels", megapixels=0.09)
    large = crop.crop(picture, plan)
    frame = outlined(picture, [plan.window])
    return [[("the window in the frame", window(frame, 90, 262)), ("the model gets this", window(large, 5, 25))]]


def region_stitch():
    picture, _, drawn = coffee()
    spoon = zones.Zones.from_json('[{"name":"spoon","role":"edit","shape":"ellipse","points":[[0.53,0.6],[0.7,0.85]]}]')
    plan = crop.plan_crop(zones.zones_mask(spoon, 600, 400))
    patch = crop.crop(teal_frame(), plan)
    stitched = outlined(crop.stitch(picture, patch, plan), [plan.window])
    return [[("the model's patch", padded(patch)), ("back in its window, before blending", window(stitched, 240, 140))]]


@cache
def grainy_plate() -> tuple[Tensor, Tensor, Tensor]:
    """A grained photograph, a model's clean rendering of it, and the edit mask."""
    clean = photo("astronaut.png")
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(3))
    plate = (clean + 0.075 * masks.gaussian_blur(noise, 0.6)).clamp(0, 1)
    drawn = zones.Zones.from_json('[{"name":"face","role":"edit","shape":"ellipse","points":[[0.3,0.03],[0.62,0.47]]}]')
    return plate, drifted(clean), zones.zones_mask(drawn, 512, 512)


def grain_match():
    plate, rendering, mask = grainy_plate()
    raw = torch.where(mask > 0, rendering, plate)
    matched = grain.match_grain(rendering, mask, original=plate)
    return [
        [
            ("the model's face in a grained plate", window(raw, 90, 10)),
            ("Grain Match", window(torch.where(mask > 0, matched, plate), 90, 10)),
        ]
    ]


def seam_feather():
    picture, _, drawn = coffee()
    mask = zones.zones_mask(drawn.select("saucer"), 600, 400)
    frame = drifted(demo.stand_in_model(picture, demo.SCENES[0], drawn), 0.3, 0.12)
    blended, _ = seam.feather(picture, frame, mask)
    pasted = torch.where(mask > 0, frame, picture)
    return [[("pasted", window(pasted, 310, 130)), ("Seam Feather", window(blended, 310, 130))]]


def lighting_harmonize():
    picture, _, drawn = coffee()
    mask = zones.zones_mask(drawn.select("saucer"), 600, 400)
    frame = drifted(demo.stand_in_model(picture, demo.SCENES[0], drawn), -0.5, -0.25)
    corrected, _ = harmonize.harmonize(frame, mask, original=picture)
    pairs = (("the model's light", frame), ("Lighting Harmonize", corrected))
    return [[(title, window(torch.where(mask > 0, image, picture), 20, 130)) for title, image in pairs]]


@cache
def shadow_cast() -> tuple[Tensor, Tensor]:
    """The can pasted on the floor, and with its shadow."""
    placed = can_on_floor(shadow=0.0)
    light = {"azimuth_deg": 40, "elevation_deg": 50, "opacity": 0.65, "softness_px": 7, "foreshortening": 0.65}
    return placed.image, shadow.cast_shadow(placed.image, placed.product_mask, **light).image


def cast_shadow():
    return [
        [
            (title, window(image, 100, 170))
            for title, image in zip(("pasted", "Cast Shadow"), shadow_cast(), strict=True)
        ]
    ]


@cache
def moved_frame() -> Tensor:
    """The teal frame, zoomed by 2 % and shifted by a few pixels."""
    frame = teal_frame()
    height, width = frame.shape[2:]
    scale = 1 / 1.02
    matrix = torch.tensor([[[scale, 0.0, 8 / width], [0.0, scale, -6 / height]]])
    grid = torch.nn.functional.affine_grid(matrix, list(frame.shape), align_corners=False)
    return torch.nn.functional.grid_sample(frame, grid, "bicubic", "reflection", align_corners=False).clamp(0, 1)


def anchor_lock():
    picture, frame = coffee()[0], moved_frame()
    result = lock.restore(picture, frame).image
    rows = []
    for how in (plain, lambda image: changed(picture, image)):
        rows.append([window(how(image), 280, 150, (290, 180)) for image in (frame, result)])
    titles = (("the model's frame", "Anchor Lock"), ("what it changed", "what is left: the edit"))
    return [list(zip(names, row, strict=True)) for names, row in zip(titles, rows, strict=True)]


def sku_swap():
    seated = can_on_floor(brand_colors=["#0057b8"], shadow=0.8)
    plain = can_on_floor(shadow=0.0, harmonize_strength=0.0)
    return [[("cut out and pasted", window(plain.image, 190, 170)), ("SKU Swap", window(seated.image, 190, 170))]]


@cache
def recolored(target: str) -> Tensor:
    picture, glaze, drawn = coffee()
    inside = zones.zones_mask(drawn.select("espresso"), 600, 400)
    return recolor.recolor(picture, glaze, target, protect=masks.gaussian_blur(inside, 1))


def sku_recolor():
    return [[("approved", window(coffee()[0], 60, 60)), ("color = #0057b8", window(recolored("#0057b8"), 60, 60))]]


def campaign_manifest():
    panels = [(f"cup, {name}", half(recolored(name))) for name in SKU_COLORS]
    return [panels[:2], panels[2:]]


@cache
def feathered_outward() -> tuple[Tensor, Tensor, Tensor]:
    """The original, an edit blended by a feather that reaches outside its mask, and the mask."""
    picture, glaze, _ = coffee()
    mask = (masks.grow(glaze, 3) > 0.5).float()
    soft = masks.gaussian_blur(mask, 8)
    return picture, picture * (1 - soft) + teal_frame() * soft, mask


def edit_check():
    picture, blended, mask = feathered_outward()
    result = check_edit(picture, blended, mask)
    return [
        [
            ("an edit, feathered outward", window(blended, 300, 130)),
            ("heatmap: what misses its limit", window(result.heatmap, 300, 130)),
        ]
    ]


def haloed() -> tuple[Tensor, motion.MotionResult]:
    """The coffee with a bright rim around cup and saucer, and what the check says of it."""
    picture = coffee()[0]
    rows, columns = torch.arange(400)[:, None], torch.arange(600)[None, :]
    mask = (((columns - 282) / 207) ** 2 + ((rows - 245) / 150) ** 2 < 1).float()[None, None]  # the saucer, roughly
    distance = masks.signed_distance(mask)
    band = masks.gaussian_blur(((distance < 0) & (distance >= -4)).float(), 0.6)
    image = torch.lerp(picture, torch.ones_like(picture), 0.6 * band)
    return image, motion.check_motion(image, model="Wan 480p (832x480)", subject_mask=mask)


def motion_readiness_check():
    image, result = haloed()
    return [[("a matte with a bright rim", half(image)), ("heatmap; dark: what is cut off", half(result.heatmap))]]


def quality_gate():
    picture, blended, mask = feathered_outward()
    panels = []
    for image in (blended, lock.restore_anchors(picture, blended, mask)):
        changed_px = next(
            m for m in check_edit(picture, image, mask).report.measurements if m.metric == "anchor_changed_px"
        )
        passed = changed_px.verdict("production") != "fail"
        title = f"{'accepted' if passed else 'rejected'}: {changed_px.value:.0f} locked px changed"
        panels.append((title, window(image, 300, 130)))
    return [panels]


def motion_coherence_check():
    page = overlay.to_pil(sliding_clip().heatmap)
    small = page.resize((720, round(page.height * 720 / page.width)), Image.LANCZOS)
    return [[("A cup that slides over its table", overlay.from_pil(small))]]


def complexity_check():
    picture = photo("chelsea.png")
    drawn = zones.Zones.from_json('[{"name":"eye","role":"edit","shape":"ellipse","points":[[0.02,0.02],[0.5,0.62]]}]')
    mask = zones.zones_mask(drawn, 451, 300)
    found = complexity.check_complexity(picture, mask)
    tinted = overlay.draw_zones(picture, drawn, mask, torch.zeros_like(mask))
    advice = found.advice.split()[0]
    return [
        [("what is to be edited", window(tinted, 0, 0)), (f"heatmap, advice: {advice}", window(found.heatmap, 0, 0))]
    ]


PICTURES = {
    "AnchorZoneMask": anchor_zone_mask,
    "AddZone": add_zone,
    "ZoneMask": zone_mask,
    "RegionalPrompt": regional_prompt,
    "RegionCrop": region_crop,
    "RegionStitch": region_stitch,
    "GrainMatch": grain_match,
    "SeamFeather": seam_feather,
    "LightingHarmonize": lighting_harmonize,
    "CastShadow": cast_shadow,
    "AnchorLock": anchor_lock,
    "SKUSwap": sku_swap,
    "SKURecolor": sku_recolor,
    "CampaignManifest": campaign_manifest,
    "EditCheck": edit_check,
    "MotionReadinessCheck": motion_readiness_check,
    "ComplexityCheck": complexity_check,
    "QualityGate": quality_gate,
    "MotionCoherenceCheck": motion_coherence_check,
}


# One function for each template: its card in the templates dialog


def thumb_generate():
    """An empty canvas with its zones, each with the words it will be painted from."""
    workflow = json.loads((ROOT / "workflows" / "api" / "1_generate.json").read_text())
    (drawn,) = [
        node["inputs"]["zones"]
        for node in workflow.values()
        if "zones" in node["inputs"] and "outside" in node["inputs"]
    ]
    canvas = color.swatch("#2a2d31", photo("coffee.png")).expand(1, 3, THUMBNAIL[1], THUMBNAIL[0])
    prompted = zones.Zones.from_json(drawn)
    edit = zones.zones_mask(prompted, *THUMBNAIL)
    page = overlay.to_pil(overlay.draw_zones(canvas, prompted, edit, torch.zeros_like(edit)))
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(16)
    for zone in json.loads(drawn):
        (x0, y0), (x1, y1) = ([share * side for share, side in zip(p, THUMBNAIL, strict=True)] for p in zone["points"])
        words = "\n".join(textwrap.wrap(zone["prompt"].partition(",")[0], 17))
        draw.multiline_text(((x0 + x1) / 2, (y0 + y1) / 2), words, fill="white", font=font, anchor="mm", align="center")
    whole = next(node["inputs"]["text"] for node in workflow.values() if node["class_type"] == "CLIPTextEncode")
    draw.multiline_text((20, 20), "\n".join(textwrap.wrap(whole, 50)), fill=INK, font=font)
    return page


def thumb_surgical_strike():
    picture, _, drawn = coffee()
    edit, locked = zones.edit_and_lock_masks(picture, drawn)
    return split(picture, seam.feather(picture, teal_frame(), edit, lock_mask=locked)[0])


def thumb_zone_inpaint():
    scene, picture = demo.SCENES[1], photo("astronaut.png")
    drawn = zones.Zones.from_json(json.dumps(scene.zones))
    edit, locked = zones.edit_and_lock_masks(picture, drawn)
    result = seam.feather(picture, demo.stand_in_model(picture, scene, drawn), edit, lock_mask=locked)[0]
    return split(overlay.draw_zones(picture, drawn, edit, locked), result)


def thumb_api_strike():
    """Before, with its zones, and after: the eyes of the cat."""
    scene = demo.SCENES[2]
    picture = photo(scene.photo)
    drawn = zones.Zones.from_json(json.dumps(scene.zones))
    edit, locked = zones.edit_and_lock_masks(picture, drawn)
    result = seam.feather(picture, demo.stand_in_model(picture, scene, drawn), edit, lock_mask=locked)[0]
    before, after = (
        ImageOps.fit(overlay.to_pil(image), (480, 178), Image.LANCZOS, centering=(0.5, 0.4))
        for image in (picture, result)
    )
    page = Image.new("RGB", THUMBNAIL, "white")
    page.paste(before, (0, 0))
    page.paste(after, (0, 182))
    return page


def thumb_restore():
    picture, frame = coffee()[0], moved_frame()
    result = lock.restore(picture, frame)
    return split(changed(picture, frame), result.image)


def thumb_seat_and_light():
    return halves([window(image, 130, 100, HALF) for image in shadow_cast()])


def thumb_sku_swap():
    return halves([window(can_on_floor(name, shadow=0.8).image, 170, 100, HALF) for name in (SKU_COLORS[0], "#c8102e")])


def thumb_sku_swap_app():
    return quarters([window(can_on_floor(name, shadow=0.8).image, 170, 110, (360, 270)) for name in SKU_COLORS])


def thumb_sku_recolor():
    return split(coffee()[0], recolored("#0057b8"))


def thumb_campaign_row():
    return quarters([recolored(name) for name in SKU_COLORS])


def thumb_seasonal_variations():
    winner = can_on_floor(shadow=0.8)
    lights = [(1.0, 1.0, 1.0), (0.65, 0.85, 1.35), (1.35, 0.8, 0.4), (0.3, 0.25, 0.55)]
    seasons = []
    for light in lights:
        tinted = color.srgb_to_linear(winner.image) * torch.tensor(light).view(1, 3, 1, 1)
        season = color.linear_to_srgb(tinted.clamp(0, 1))
        season = season + winner.product_mask * (winner.image - season)
        seasons.append(window(season, 170, 110, (360, 270)))
    return quarters(seasons)


def thumb_consistency_check():
    image, result = haloed()
    return split(image, result.heatmap)


def thumb_final_upscale():
    """The strike's result, small in a corner, and a part of it at 100 % after the enlargement."""
    picture, _, drawn = coffee()
    edit, locked = zones.edit_and_lock_masks(picture, drawn)
    passed = overlay.to_pil(seam.feather(picture, teal_frame(), edit, lock_mask=locked)[0])
    large = passed.resize((passed.width * 2, passed.height * 2), Image.LANCZOS)
    left, top = 330, 60  # the edge between the edited cup and the anchored coffee
    page = large.crop((left, top, left + THUMBNAIL[0], top + THUMBNAIL[1]))
    small = passed.resize((150, 100), Image.LANCZOS)
    page.paste("white", (16, 16, 16 + small.width + 4, 16 + small.height + 4))
    page.paste(small, (18, 18))
    return page


@cache
def sliding_clip():
    """A clip whose cup slides over its table, judged."""
    from edit_first.benchmarks import clips
    from edit_first.checks.coherence import check_coherence

    made = clips.make(
        coffee()[0][0].movedim(0, 2).numpy(), camera="pan and zoom", defect=clips.Defect(slide=0.4), frames=21,
        finish=clips.Finish(noise=1, jpeg=92), size=(600, 400), region_area=0.12, seed=4,
    )  # fmt: skip
    region = torch.from_numpy(made.region)[None, None].float()
    return check_coherence(torch.from_numpy(made.frames).movedim(3, 1), region)


def thumb_after_video():
    sheet = overlay.to_pil(sliding_clip().heatmap)
    return ImageOps.fit(sheet.crop((0, 212, 600, 212 + 450)), THUMBNAIL, Image.LANCZOS)


def surgical_strike():
    """The README's picture: the demo's first strike."""
    picture, _, drawn = coffee()
    with tempfile.TemporaryDirectory() as folder:
        after = files.read_image(demo.strike(demo.SCENES[0], Path(folder))[0])[0].movedim(3, 1)
    titled = [
        ("approved", picture),
        ("what the model returned: edit and drift", demo.stand_in_model(picture, demo.SCENES[0], drawn)),
        ("after the strike: edit kept, the rest bit-identical", after),
    ]
    size = (480, 320)
    shown = [(title, overlay.from_pil(overlay.to_pil(p).resize(size, Image.LANCZOS))) for title, p in titled]
    return sheet([shown])


README = {"surgical_strike": surgical_strike}
THUMBNAILS = {
    "1_generate": thumb_generate,
    "2_surgical_strike": thumb_surgical_strike,
    "2c_api_strike": thumb_api_strike,
    "2b_zone_inpaint": thumb_zone_inpaint,
    "restore_after_edit_model": thumb_restore,
    "seat_and_light": thumb_seat_and_light,
    "sku_swap": thumb_sku_swap,
    "sku_swap_app": thumb_sku_swap_app,
    "sku_recolor": thumb_sku_recolor,
    "campaign_row": thumb_campaign_row,
    "3b_after_video": thumb_after_video,
    "3_consistency_check": thumb_consistency_check,
    "4_final_upscale": thumb_final_upscale,
    "seasonal_variations": thumb_seasonal_variations,
}


# Drawing


def window(image: Tensor, x: int, y: int, size: tuple[int, int] = WINDOW) -> Tensor:
    """A piece of a picture at 100 %, moved inside where it would leave it."""
    width, height = size
    x, y = max(0, min(x, image.shape[3] - width)), max(0, min(y, image.shape[2] - height))
    return image[:, :, y : y + height, x : x + width]


def half(image: Tensor) -> Tensor:
    """The whole picture, at the width of a panel."""
    height = round(image.shape[2] * WINDOW[0] / image.shape[3])
    picture = overlay.to_pil(image).resize((WINDOW[0], height), Image.LANCZOS)
    return overlay.from_pil(picture)


def padded(image: Tensor) -> Tensor:
    """A small picture in the middle of a panel."""
    panel = color.swatch("#303030", image).expand(1, 3, WINDOW[1], WINDOW[0]).clone()
    height, width = min(image.shape[2], WINDOW[1]), min(image.shape[3], WINDOW[0])
    y, x = (WINDOW[1] - height) // 2, (WINDOW[0] - width) // 2
    panel[:, :, y : y + height, x : x + width] = image[:, :, :height, :width]
    return panel


def gray(mask: Tensor) -> Tensor:
    return mask.expand(-1, 3, -1, -1)


def outlined(image: Tensor, boxes: list[tuple[int, int, int, int]]) -> Tensor:
    """Boxes drawn over a picture."""
    picture = overlay.to_pil(image)
    draw = ImageDraw.Draw(picture)
    for x, y, width, height in boxes:
        draw.rectangle((x, y, x + width - 1, y + height - 1), outline=overlay.EDIT_COLOR, width=2)
    return overlay.from_pil(picture)


def plain(image: Tensor) -> Tensor:
    return image


def changed(original: Tensor, image: Tensor) -> Tensor:
    """Where a picture differs from its original: from gray, nothing, to yellow, 32 levels or more."""
    return overlay.heatmap(original, (image - original).abs().amax(1, keepdim=True) * 8)


def sheet(rows: list[list[Panel]]) -> Image.Image:
    """Titled panels in rows."""
    pictures = [[(title, overlay.to_pil(image)) for title, image in row] for row in rows]
    width = max(sum(p.width + GAP_PX for _, p in row) for row in pictures) + GAP_PX
    height = sum(max(p.height for _, p in row) + BAR_PX + GAP_PX for row in pictures)
    page = Image.new("RGB", (width, height), PAPER)
    draw, font, y = ImageDraw.Draw(page), ImageFont.load_default(15), 0
    for row in pictures:
        x = GAP_PX
        for title, picture in row:
            assert draw.textlength(title, font=font) <= picture.width, f"title too long: {title}"
            draw.text((x, y + 3), title, font=font, fill=INK)
            page.paste(picture, (x, y + BAR_PX))
            x += picture.width + GAP_PX
        y += max(p.height for _, p in row) + BAR_PX + GAP_PX
    return page


def split(before: Tensor, after: Tensor) -> Image.Image:
    """A thumbnail: before on the left, after on the right of a line."""
    left, right = (ImageOps.fit(overlay.to_pil(image), THUMBNAIL, Image.LANCZOS) for image in (before, after))
    half_way = THUMBNAIL[0] // 2
    left.paste(right.crop((half_way, 0, *THUMBNAIL)), (half_way, 0))
    ImageDraw.Draw(left).rectangle((half_way - 2, 0, half_way + 1, THUMBNAIL[1]), fill="white")
    return left


def halves(images: list[Tensor]) -> Image.Image:
    """A thumbnail of two pictures side by side, each of the size HALF."""
    page = Image.new("RGB", THUMBNAIL, "white")
    for index, image in enumerate(images):
        page.paste(overlay.to_pil(image), (index * (HALF[0] + 4), 0))
    return page


def quarters(images: list[Tensor]) -> Image.Image:
    """A thumbnail of four pictures."""
    width, height = THUMBNAIL[0] // 2, THUMBNAIL[1] // 2
    page = Image.new("RGB", THUMBNAIL)
    for index, image in enumerate(images):
        tile = ImageOps.fit(overlay.to_pil(image), (width, height), Image.LANCZOS)
        page.paste(tile, (index % 2 * width, index // 2 * height))
    return page


def save(path: Path, picture: Image.Image, most_bytes: int = MOST_BYTES) -> None:
    """As a JPEG, 60 kB at most, with full color resolution, since seams are what the pictures show."""
    for quality in range(90, 50, -5):
        packed = io.BytesIO()
        picture.save(packed, "JPEG", quality=quality, subsampling=0, optimize=True)
        if packed.tell() <= most_bytes:
            break
    files.write_atomically(path, lambda temporary: temporary.write_bytes(packed.getvalue()))
    print(f"{path.relative_to(ROOT)}: {packed.tell() // 1024} kB, quality {quality}")


def main(names: list[str]) -> None:
    for name, make in PICTURES.items():
        if not names or name in names:
            save(PAGES / f"{name}.jpg", sheet(make()))
    for name, make in README.items():
        if not names or name in names:
            save(ROOT / "docs" / f"{name}.jpg", make(), 3 * MOST_BYTES)
    for name, make in THUMBNAILS.items():
        if not names or name in names:
            save(ROOT / "workflows" / f"{name}.jpg", make())


if __name__ == "__main__":
    main(sys.argv[1:])
