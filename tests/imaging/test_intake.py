import pytest
import torch
from edit_first.imaging import intake


def plan(width, height, canvas, crop=True, resize="bilinear"):
    return intake.plan_intake(width, height, canvas, crop=crop, resize=resize)


def test_fitting_still_is_untouched(coffee):
    same = plan(600, 400, (600, 400))
    assert torch.equal(intake.model_input(coffee, same), coffee) and torch.equal(
        intake.clean_canvas(coffee, same), coffee
    )
    assert same.crop_fraction == 0 and same.scale == 1 and same.stretch == 0


def test_crop_is_centered():
    wide = plan(400, 100, (100, 100))
    assert (wide.left, wide.top, wide.window_width, wide.window_height) == (150, 0, 100, 100)
    assert wide.crop_fraction == 0.75


def test_stretch_keeps_everything():
    stretched = plan(400, 100, (100, 100), crop=False)
    assert stretched.crop_fraction == 0 and stretched.stretch == pytest.approx(3)


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (1, 300), (300, 1)])
@pytest.mark.parametrize("crop", [True, False])
def test_odd_sizes_keep_a_window(size, crop):
    odd = plan(*size, (64, 32), crop=crop)
    image = torch.rand(1, 3, size[1], size[0])
    assert intake.clean_canvas(image, odd).shape == (1, 3, 32, 64)
    assert intake.to_still(torch.ones(1, 1, 32, 64), odd).shape == (1, 1, size[1], size[0])


def test_box_of_the_canvas_holds_what_it_covers():
    shrunk = plan(1000, 500, (100, 100))
    x, y, width, height = shrunk.to_still(0, 0, 100, 100)
    assert (x, y, width, height) == (250, 0, 500, 500)


def test_masks_go_there_and_back():
    shrunk = plan(400, 200, (100, 100))
    mask = torch.zeros(1, 1, 200, 400)
    mask[..., 80:120, 180:220] = 1
    back = intake.to_still(intake.mask_to_canvas(mask, shrunk), shrunk) >= 0.5
    assert back[..., 82:118, 182:218].all() and not back[..., :, :170].any()


def test_clean_canvas_does_not_alias(coffee):
    # A checkerboard of single pixels is gray from afar; without a filter it turns into stripes or stays a checkerboard.
    rows, columns = torch.arange(300)[:, None], torch.arange(300)[None, :]
    board = ((rows + columns) % 2).float().expand(1, 3, -1, -1)
    shrunk = plan(300, 300, (90, 90))
    inner = (..., slice(3, -3), slice(3, -3))
    assert (intake.clean_canvas(board, shrunk)[inner] - 0.5).abs().max() < 0.02
    assert (intake.model_input(board, shrunk)[inner] - 0.5).abs().max() > 0.2
    assert intake.aliasing_db(board, shrunk) < 20 < intake.aliasing_db(coffee, plan(600, 400, (300, 200)))


def test_batch_equals_singles(coffee):
    pair = torch.cat((coffee, coffee.flip(3)))
    for resize in intake.RESIZES:
        shrunk = plan(600, 400, (160, 96), resize=resize)
        for make in (intake.model_input, intake.clean_canvas):
            assert torch.equal(make(pair, shrunk)[1:], make(pair[1:], shrunk))


def test_unknown_resize_is_named():
    with pytest.raises(ValueError, match="resize is 'bislerp'; choose one of bilinear, area"):
        plan(10, 10, (8, 8), resize="bislerp")


def test_impossible_canvas_is_named():
    with pytest.raises(ValueError, match="cannot fit 10x10 into 0x8"):
        plan(10, 10, (0, 8))
