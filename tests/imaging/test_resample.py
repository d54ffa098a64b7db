"""Resizing: enlarging and reducing again must give the same pixels back."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from edit_first.imaging import resample
from PIL import Image

PHOTOS = Path(__file__).parents[2] / "assets" / "photos"


def photo(name):
    pixels = np.asarray(Image.open(PHOTOS / name).convert("RGB"), np.float32) / 255
    return torch.from_numpy(pixels).movedim(-1, 0).unsqueeze(0)


def test_same_size_is_the_input_itself():
    image = photo("chelsea.png")
    assert resample.resize(image, image.shape[3], image.shape[2]) is image
    mask = image[:, :1]
    assert resample.resize_mask(mask, image.shape[3], image.shape[2]) is mask


@pytest.mark.parametrize(("width", "height"), [(1024, 768), (452, 301), (451, 900), (613, 300)])
def test_enlarging_and_reducing_gives_the_photograph_back(width, height):
    image = 0.1 + 0.8 * photo("chelsea.png")  # away from black and white, where clipping to [0, 1] would lose overshoot
    back = resample.resize(resample.resize(image, width, height), 451, 300)
    assert (back - image).abs().max() < 2e-6


def test_round_trip_loses_a_fraction_of_what_lanczos_loses():
    image = photo("grass.png")[:, :, :256, :256]
    ours = resample.resize(resample.resize(image, 400, 400), 256, 256)
    pixels = Image.fromarray((image[0].movedim(0, -1).numpy() * 255).round().astype(np.uint8))
    pillow = pixels.resize((400, 400), Image.LANCZOS).resize((256, 256), Image.LANCZOS)
    theirs = torch.from_numpy(np.asarray(pillow, np.float32) / 255).movedim(-1, 0)
    assert (ours - image).abs().mean() < 0.05 * (theirs - image[0]).abs().mean()


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (700, 17)])
def test_flat_images_stay_flat(size):
    assert torch.allclose(resample.resize(torch.full((1, 3, 21, 33), 0.37), *size), torch.tensor(0.37), atol=1e-6)


def test_enlarging_reproduces_a_ramp():
    ramp = torch.linspace(0.2, 0.8, 16).expand(1, 1, 16, 16)
    wide = resample.resize(ramp, 32, 16)[0, 0, 0]
    position = (torch.arange(32) + 0.5) / 2 - 0.5
    assert torch.allclose(wide[6:-6], (0.2 + 0.04 * position)[6:-6], atol=1e-6)  # Keys' cubic is exact on parabolas


def test_reducing_removes_what_the_small_grid_cannot_hold():
    columns = torch.arange(256)
    stripes = (0.5 + 0.4 * torch.cos(torch.pi * 0.9 * columns)).expand(1, 1, 8, 256)  # 0.45 cycles per px
    assert (resample.resize(stripes, 100, 8) - 0.5)[..., 10:-10].abs().max() < 0.02


def test_batch_equals_singles_and_dtype_stays():
    image = torch.cat([photo("brick.png"), photo("gravel.png")])[:, :, :96, :128].half()
    both = resample.resize(image, 77, 200)
    assert both.dtype == torch.half and both.shape == (2, 3, 200, 77)
    assert all(torch.equal(both[i : i + 1], resample.resize(image[i : i + 1], 77, 200)) for i in (0, 1))


def test_mask_neither_rings_nor_loses_a_pixel():
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., 20:40, 10:30] = 1
    large, small = resample.resize_mask(mask, 150, 150), resample.resize_mask(mask, 13, 13)
    assert large.min() == 0 and large.max() == 1 and small.max() <= 1
    assert (F.interpolate(small, size=(64, 64), mode="nearest")[mask > 0] > 0).all()


def test_error_names_the_size():
    with pytest.raises(ValueError, match="0x5"):
        resample.resize(torch.zeros(1, 3, 8, 8), 0, 5)
