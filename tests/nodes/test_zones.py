import json

import pytest
import torch
from edit_first.imaging import masks
from edit_first.imaging.zones import Zone, Zones, zone_mask
from edit_first.nodes.zones import AddZone, AnchorZoneMask, ZoneMask

ZONES = (
    '[{"name":"sign","role":"edit","shape":"box","points":[[0.1,0.1],[0.6,0.6]],"prompt":"OPEN"},'
    '{"name":"face","role":"anchor","shape":"ellipse","points":[[0.4,0.4],[0.8,0.8]]}]'
)


@pytest.fixture
def picture(chelsea):
    return chelsea[..., 100:160, 100:180].movedim(1, 3).contiguous()  # (1, 60, 80, 3)


def of(zones, index=-1):
    return zone_mask(list(zones)[index], 80, 60)[:, 0]


def test_anchor_zone_mask_equals_the_library(picture):
    edit, lock, drawn, preview = AnchorZoneMask.execute(picture, ZONES, feather_px=2).args
    sign, face = zone_mask(list(drawn)[0], 80, 60), zone_mask(list(drawn)[1], 80, 60)
    assert torch.equal(edit[:, None], masks.feather_inward(sign * (1 - face), 2))
    assert torch.equal(lock, (edit == 0).float())
    assert preview.shape == picture.shape and drawn.frame == (80, 60)


def test_zones_in_come_first_and_keep_their_names(picture):
    given = Zones((Zone("face", "edit", "box", ((0.0, 0.0), (0.1, 0.1))),), frame=(8, 6))
    drawn = AnchorZoneMask.execute(picture, ZONES, zones_in=given).args[2]
    assert [(zone.name, zone.role) for zone in drawn] == [("face", "edit"), ("sign", "edit"), ("face 2", "anchor")]
    assert drawn.frame == (80, 60)


def test_masks_of_other_nodes(picture):
    """Load Image's mask (1 - alpha), its 64x64 zeros without alpha, Painter's alpha, one mask for each frame."""
    alpha = torch.zeros(1, 60, 80)
    alpha[:, 5:15, 5:15] = 0.5
    edit, _, _, _ = AnchorZoneMask.execute(picture, edit_mask=alpha, anchor_mask=torch.zeros(1, 64, 64)).args
    assert torch.equal(edit, alpha)
    pair = torch.cat((alpha, alpha.flip(2)))
    edit, lock, _, _ = AnchorZoneMask.execute(picture.expand(2, -1, -1, -1), edit_mask=pair).args
    assert torch.equal(edit, pair) and len(lock) == 2
    with pytest.raises(ValueError, match=r"anchor_mask is 50x40 but image is 80x60"):
        AnchorZoneMask.execute(picture, anchor_mask=torch.ones(1, 40, 50))
    with pytest.raises(ValueError, match=r"anchor_mask is the inverted empty 64x64 mask"):
        AnchorZoneMask.execute(picture, anchor_mask=torch.ones(1, 64, 64))


def test_anchor_colors_and_outside(picture):
    edit, lock, _, _ = AnchorZoneMask.execute(picture, "[]", outside="edit").args
    assert edit.min() == 1 and lock.max() == 0
    painted = picture.clone()
    painted[:, 10:20, 10:20] = torch.tensor([1.0, 0.0, 0.0])
    _, lock, _, _ = AnchorZoneMask.execute(painted, "[]", outside="edit", anchor_colors="#ff0000").args
    assert lock.sum() == 100 and lock[:, 10:20, 10:20].min() == 1


def test_validation_names_the_zone():
    assert AnchorZoneMask.validate_inputs(ZONES) is True
    assert AnchorZoneMask.validate_inputs(None) is True, "a linked value is not known yet"
    bad = json.loads(ZONES)
    bad[1]["role"] = "boss"
    assert AnchorZoneMask.validate_inputs(json.dumps(bad)) == (
        "zone 2 ('face'): role must be one of anchor, edit; got 'boss'"
    )


@pytest.mark.parametrize(
    "mask",
    [
        torch.ones(60, 80),
        torch.ones(1, 60, 80),
        torch.ones(1, 1, 60, 80),
        torch.eye(60)[:, :, None].expand(-1, -1, 80).contiguous(),  # a detector's: one row of the picture in each
        torch.ones(1, 30, 40),
        torch.ones(1, 60, 80, dtype=torch.float16),
    ],
    ids=["plane", "mask", "with channel", "batch of objects", "half size", "half precision"],
)
def test_add_zone_takes_masks_in_every_form(mask):
    (zones,) = AddZone.execute("a", mask=mask).args
    assert len(zones) == 1 and of(zones).min() == 1
    assert zones.frame == (mask.shape[-1], mask.shape[-2])


def test_a_detector_that_found_nothing_leaves_an_empty_zone(caplog):
    (zones,) = AddZone.execute("a", mask=torch.zeros(0, 60, 80), box=[[]], image=torch.zeros(1, 60, 80, 3)).args
    assert [zone.name for zone in zones] == ["a", "a 2"] and of(zones, 0).max() == of(zones, 1).max() == 0
    assert "its mask is empty" in caplog.text and "no box was found" in caplog.text


def test_box_is_measured_on_the_picture_the_zones_or_the_mask(picture):
    box = {"x": 8, "y": 6, "width": 16, "height": 12}
    (by_image,) = AddZone.execute("b", box=box, image=picture).args
    (by_zones,) = AddZone.execute("b", box=box, zones=by_image).args
    (by_mask,) = AddZone.execute("b", box=box, mask=torch.ones(1, 60, 80)).args
    for zones in (by_image, by_zones, by_mask):
        assert masks.bounding_box(of(zones)[:, None]) == (8, 6, 16, 12)
    with pytest.raises(ValueError, match="connect that picture to image"):
        AddZone.execute("b", box=box)


def test_add_zone_chains():
    (one,) = AddZone.execute("a", "edit", "words", 0.5, mask=torch.ones(1, 6, 8)).args
    (two,) = AddZone.execute("a", zones=one, mask=torch.ones(1, 3, 4)).args
    assert [(z.name, z.role, z.prompt, z.strength) for z in two] == [
        ("a", "edit", "words", 0.5),
        ("a 2", "anchor", "", 1.0),
    ]
    assert len(one) == 1 and two.frame == (8, 6)


@pytest.mark.parametrize("name", ["", "  ", "*edit", "a\0b", "x" * 300])
def test_add_zone_refuses_names_nobody_can_use(name):
    with pytest.raises(ValueError, match="name"):
        AddZone.execute(name, mask=torch.ones(1, 6, 8))


def test_zone_mask(picture):
    drawn = Zones.from_json(ZONES)
    (sign,) = ZoneMask.execute(drawn, picture, " sign ").args
    (edits,) = ZoneMask.execute(drawn, picture, "*edit").args
    (large,) = ZoneMask.execute(drawn, torch.zeros(1, 600, 800, 3), "*anchor").args
    assert torch.equal(sign, of(drawn, 0)) and torch.equal(edits, sign) and large.shape == (1, 600, 800)
    with pytest.raises(ValueError, match="no zone is named 'hat'; zones here: 'sign', 'face'"):
        ZoneMask.execute(drawn, picture, "hat")
