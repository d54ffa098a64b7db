"""Blending an edit into its original: identity, what may never change, known answers, better than a ramp."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch
from edit_first.checks.seam import seam_steps
from edit_first.imaging import color, masks, seam

SCENES = Path(__file__).resolve().parents[2] / "benchmarks" / "scenes.py"


@pytest.fixture(scope="module")
def scenes():
    """Small scenes of known truth by shape, from the photograph of gravel."""
    spec = importlib.util.spec_from_file_location("scenes", SCENES)
    module = sys.modules["scenes"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    photos = module.photographs(192)
    return {
        shape: module.make_scene(shape, photos["gravel"], photos["coffee"], shape, 7, module.Drift())
        for shape in module.SHAPES
    }


def band_error(scene, image):
    distance = masks.signed_distance(scene.mask)
    band = ((distance > 0) & (distance <= 16)).expand_as(image)
    return float((image - scene.truth)[band].square().mean().sqrt())


def step(scene, image):
    """Seam step against the truth."""
    difference = (color.srgb_to_oklab(image) - color.srgb_to_oklab(scene.truth))[0].permute(1, 2, 0) * 100
    return seam_steps(difference.numpy(), masks.signed_distance(scene.mask)[0, 0].numpy())[0]


def disk(height, width, radius, x=None, y=None):
    rows, columns = torch.meshgrid(torch.arange(float(height)), torch.arange(float(width)), indexing="ij")
    x, y = width / 2 if x is None else x, height / 2 if y is None else y
    return (torch.hypot(columns - x, rows - y) < radius).float()[None, None]


@pytest.mark.parametrize("method", seam.METHODS)
def test_identity(scenes, method):
    """An edit that changed nothing is the original; multi-band and gradient only to rounding."""
    scene = scenes["blob"]
    image, blend = seam.feather(scene.original, scene.original, scene.mask, method=method)
    if method == "matte":  # its foreground color is an estimate
        assert (image - scene.original).abs().max() < 0.3
    else:
        torch.testing.assert_close(image, scene.original, atol=1e-5, rtol=0)
    empty, blend = seam.feather(scene.original, scene.edited, torch.zeros_like(scene.mask), method=method)
    assert torch.equal(empty, scene.original) and not blend.any()


@pytest.mark.parametrize("method", seam.METHODS)
@pytest.mark.parametrize("kind", ["border", "tiny", "soft", "several", "full", "lock", "odd"])
def test_nothing_outside_changes(scenes, method, kind):
    """Outside the mask and under a lock every pixel is the original's own, whatever the mask looks like."""
    original, edited = scenes["blob"].original[:, :, :97, :131], scenes["blob"].edited[:, :, :97, :131]
    lock = None
    mask = {
        "border": disk(97, 131, 30, x=0, y=5),
        "tiny": disk(97, 131, 1.2),
        "soft": masks.gaussian_blur(disk(97, 131, 25), 4.0) * disk(97, 131, 30),
        "several": torch.maximum(disk(97, 131, 12, x=25, y=25), disk(97, 131, 6, x=100, y=70)),
        "full": torch.ones(1, 1, 97, 131),
    }.get(kind, disk(97, 131, 30))
    if kind == "lock":
        lock = disk(97, 131, 10)
    image, blend = seam.feather(original, edited, mask, method=method, lock_mask=lock)
    kept = (mask <= 0) if lock is None else (mask <= 0) | (lock > 0)
    assert torch.equal(image[kept.expand_as(image)], original[kept.expand_as(image)])
    assert not blend[kept].any() and float(blend.max()) <= 1 and torch.isfinite(image).all()
    assert (blend <= mask + 1e-6).all()
    if kind in ("tiny", "several", "full") and method != "auto":  # auto may keep the original where both agree
        assert blend.max() > 0.3


def test_explicit_ramp_width(scenes):
    """`alpha` with a width is exactly the inward ramp of that many pixels."""
    scene = scenes["straight"]
    _, blend = seam.feather(scene.original, scene.edited, scene.mask, method="alpha", feather_px=6)
    torch.testing.assert_close(blend, masks.feather_inward(scene.mask, 6))


def test_local_width_follows_texture():
    """A flat border gets a wider ramp than a textured one."""
    torch.manual_seed(0)
    image = torch.full((1, 3, 96, 192), 0.5)
    image[..., 96:] += 0.2 * torch.randn(1, 1, 96, 96)
    distance = masks.signed_distance(torch.nn.functional.pad(torch.ones(1, 1, 64, 160), (16, 16, 16, 16)))
    width = seam.local_width(image, image, distance)
    assert width[0, 0, 48, 24] > 14 and width[0, 0, 48, 168] < 4


@pytest.mark.parametrize("shape", ["blob", "straight"])
def test_auto_leaves_far_less_than_a_ramp(scenes, shape):
    """Where the model re-rendered what it should have kept, little of a ramp's error and seam is left."""
    scene = scenes[shape]
    auto, ramp = (seam.feather(scene.original, scene.edited, scene.mask, method=m)[0] for m in ("auto", "alpha"))
    assert band_error(scene, auto) < 0.6 * band_error(scene, ramp)
    assert step(scene, auto) < 0.6 * step(scene, ramp)


@pytest.mark.parametrize("shape", ["hair", "object"])
def test_auto_is_no_worse_than_a_ramp(scenes, shape):
    """Where new content fills the mask there is little to gain, and nothing may be lost."""
    scene = scenes[shape]
    auto = seam.feather(scene.original, scene.edited, scene.mask)[0]
    assert band_error(scene, auto) <= 1.02 * band_error(
        scene, seam.feather(scene.original, scene.edited, scene.mask, method="alpha")[0]
    )


def test_composite_is_blended_like_a_ramp(scenes):
    """A frame that equals the original outside the mask proves no drift, so auto falls back to the ramp."""
    scene = scenes["blob"]
    composite = torch.where(scene.mask > 0, scene.edited, scene.original)
    auto = seam.feather(scene.original, composite, scene.mask)[0]
    assert torch.equal(auto, seam.feather(scene.original, composite, scene.mask, method="alpha")[0])


@pytest.mark.parametrize("drift", [0.0, 0.02])
def test_brand_color_stays(scenes, drift):
    """A flat brand color swapped in keeps its color in the core, also when its shadow spills over the mask's edge."""
    original = scenes["blob"].original
    generator = torch.Generator().manual_seed(1)
    patch, mask = disk(192, 192, 40), disk(192, 192, 43)
    spill = (disk(192, 192, 50) - mask).clamp(min=0)
    brand = torch.tensor(color.hex_to_rgb("#0057b8")).view(1, 3, 1, 1)
    model = original + 0.008 * torch.randn(original.shape, generator=generator) + drift
    edited = torch.where(patch > 0, (brand + drift).expand_as(model), model - 0.25 * spill).clamp(0, 1)
    image = seam.feather(original, edited, mask)[0]
    core = masks.signed_distance(patch) > 8
    difference = color.delta_e00(color.srgb_to_lab(image), color.srgb_to_lab(brand))
    assert difference[core].mean() <= 1


def test_batch_equals_singles(scenes):
    """Two frames with one mask give what each gives alone; one mask serves both."""
    first, second = scenes["blob"], scenes["hair"]
    original, edited = torch.cat((first.original, second.original)), torch.cat((first.edited, second.edited))
    both, blends = seam.feather(original, edited, first.mask)
    for index, scene in enumerate((first, second)):
        image, blend = seam.feather(scene.original, scene.edited, first.mask)
        assert torch.equal(both[index : index + 1], image) and torch.equal(blends[index : index + 1], blend)


def test_inputs_are_not_changed_and_progress_ends_at_one(scenes):
    scene = scenes["blob"]
    before, done = [t.clone() for t in (scene.original, scene.edited, scene.mask)], []
    seam.feather(scene.original, scene.edited, scene.mask, progress=done.append)
    assert all(torch.equal(a, b) for a, b in zip(before, (scene.original, scene.edited, scene.mask), strict=True))
    assert done[-1] == 1


def test_error_texts(scenes):
    scene = scenes["blob"]
    with pytest.raises(ValueError, match="method is 'blur'; choose one of auto, alpha"):
        seam.feather(scene.original, scene.edited, scene.mask, method="blur")
    with pytest.raises(ValueError, match=r"edit_mask is 100x192 but edited is 192x192 \(WxH\)"):
        seam.feather(scene.original, scene.edited, scene.mask[..., :100])
