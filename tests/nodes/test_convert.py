import pytest
import torch
from edit_first.nodes import convert


def image(batch=1, height=6, width=9, channels=3):
    return torch.rand(batch, height, width, channels)


def test_round_trip_is_bit_exact_and_keeps_alpha_and_dtype():
    for channels in (3, 4):
        for dtype in (torch.float32, torch.float16):
            original = image(2, channels=channels).to(dtype)
            back = convert.image_out(convert.image_in(original), original)
            assert back.dtype == dtype and torch.equal(back, original)


def test_gray_becomes_color():
    assert convert.image_in(image(channels=1)).shape == (1, 3, 6, 9)


@pytest.mark.parametrize("shape", [(6, 9, 3), (1, 6, 9, 2), (1, 0, 9, 3)])
def test_wrong_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"expected \(frames, height, width, 3 or 4 channels\)"):
        convert.image_in(torch.zeros(shape))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_pictures_must_hold_numbers(value):
    broken = image()
    broken[0, 0, 0, 0] = value
    with pytest.raises(ValueError, match="not numbers"):
        convert.image_in(broken, "edited")


def test_load_images_empty_mask_is_no_mask():
    picture = convert.image_in(image())
    assert convert.mask_in(torch.zeros(1, 64, 64), picture, "edit_mask") is None
    assert convert.mask_in(None, picture, "edit_mask") is None
    with pytest.raises(ValueError, match="empty 64x64 mask that Load Image gives.*9x6"):
        convert.required_mask_in(torch.zeros(1, 64, 64), picture, "edit_mask")
    square = convert.image_in(image(height=64, width=64))
    with pytest.raises(ValueError, match="inverted empty 64x64 mask of a picture without alpha; load image as a PNG"):
        convert.required_mask_in(torch.ones(1, 64, 64), picture, "product_mask")
    assert convert.mask_in(torch.zeros(1, 64, 64), square, "edit_mask").shape == (1, 1, 64, 64)


def test_mask_errors_name_both_sizes():
    picture = convert.image_in(image())
    with pytest.raises(ValueError, match=r"edit_mask is 8x6 but image is 9x6 \(WxH\); resize the mask"):
        convert.mask_in(torch.ones(1, 6, 8), picture, "edit_mask")
    with pytest.raises(ValueError, match="edit_mask has 2 frames but image has 3"):
        convert.mask_in(torch.ones(2, 6, 9), convert.image_in(image(3)), "edit_mask")


@pytest.mark.parametrize("shape", [(6, 9), (1, 6, 9), (1, 1, 6, 9), (3, 6, 9)])
def test_masks_of_all_usual_shapes(shape):
    frames = 3 if shape[0] == 3 else 1
    assert convert.mask_in(torch.ones(shape), convert.image_in(image(3)), "m").shape == (frames, 1, 6, 9)


def test_mask_values_are_made_safe():
    mask = torch.tensor([[float("nan"), float("inf"), -1.0, 2.0, 0.5]])
    picture = torch.zeros(1, 3, 1, 5)
    assert convert.mask_in(mask, picture, "m").flatten().tolist() == [0, 0, 0, 1, 0.5]


def test_frames_must_fit():
    with pytest.raises(ValueError, match=r"edited is 8x6 but original is 9x6 \(WxH\); bring it to the original's size"):
        convert.same_frames(torch.zeros(1, 3, 6, 9), torch.zeros(1, 3, 6, 8), "edited")
    with pytest.raises(ValueError, match="edited has 3 frames but original has 2"):
        convert.same_frames(torch.zeros(2, 3, 6, 9), torch.zeros(3, 3, 6, 9), "edited")


def test_empty_masks_say_what_to_do():
    with pytest.raises(ValueError, match="edit_mask is empty: nothing may change; draw an edit zone"):
        convert.check_not_empty(torch.zeros(1, 1, 4, 4), "edit_mask")
