import json
import math

import hostile_zones
import pytest
import torch
from edit_first.imaging import color, masks
from edit_first.imaging.zones import (
    Zone,
    Zones,
    edit_and_lock,
    edit_and_lock_masks,
    zone_mask,
    zones_from_inputs,
    zones_mask,
)

BOX = Zone("box", "edit", "box", ((0.2, 0.3), (0.7, 0.8)))
ELLIPSE = Zone("ellipse", "edit", "ellipse", ((0.1, 0.2), (0.9, 0.6)))
POLYGON = Zone("polygon", "anchor", "polygon", ((0.5, 0.1), (0.9, 0.9), (0.1, 0.7)))
BRUSH = Zone("brush", "edit", "brush", ((0.2, 0.2), (0.8, 0.4), None, (0.3, 0.8)), radius=0.08)
DRAWN = (BOX, ELLIPSE, POLYGON, BRUSH)


def area(mask):
    return float(mask.sum())


# Shapes


def test_box_covers_the_pixels_whose_centers_it_holds():
    mask = zone_mask(BOX, 10, 20)
    assert masks.bounding_box(mask) == (2, 6, 5, 10) and area(mask) == 50
    assert set(mask.unique().tolist()) == {0.0, 1.0}


@pytest.mark.parametrize("zone", DRAWN, ids=lambda zone: zone.name)
def test_corner_order_does_not_matter(zone):
    if zone.shape in ("box", "ellipse"):
        (x0, y0), (x1, y1) = zone.points
        other = Zone("o", "edit", zone.shape, ((x1, y0), (x0, y1)))
    else:
        other = Zone("o", "edit", zone.shape, zone.points[::-1], radius=zone.radius)
    assert torch.equal(zone_mask(zone, 90, 60), zone_mask(other, 90, 60))


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        (BOX, 0.25),
        (ELLIPSE, math.pi / 4 * 0.8 * 0.4),
        (POLYGON, 0.28),
        # Two round ends and a bar of 0.6 x 0.2, and a dot; the radius is a fraction of the shorter side, here of 300 px.
        (BRUSH, (2 * math.pi * 24**2 + 48 * math.hypot(0.6 * 400, 0.2 * 300)) / 120_000),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_area_is_the_shape_s(zone, expected):
    assert area(zone_mask(zone, 400, 300)) / 120_000 == pytest.approx(expected, rel=0.01)


def test_polygon_that_crosses_itself_is_filled_even_odd():
    bow = Zone("bow", "edit", "polygon", ((0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0)))
    mask = zone_mask(bow, 100, 100)[0, 0]
    assert mask[50, 10] == 1 and mask[50, 90] == 1 and mask[10, 50] == 0 and mask[90, 50] == 0


def test_lifted_brush_leaves_a_gap():
    joined = Zone("j", "edit", "brush", ((0.2, 0.5), (0.8, 0.5)), radius=0.05)
    lifted = Zone("l", "edit", "brush", ((0.2, 0.5), None, (0.8, 0.5)), radius=0.05)
    assert zone_mask(joined, 100, 100)[0, 0, 50, 50] == 1
    assert zone_mask(lifted, 100, 100)[0, 0, 50, 50] == 0
    assert zone_mask(lifted, 100, 100)[0, 0, 50, 20] == 1


def test_brush_is_the_distance_to_its_stroke():
    """Against the definition, on strokes in every direction, across the border, and with points on one spot."""
    generator = torch.Generator().manual_seed(1)
    points = [tuple(point) for point in (1.4 * torch.rand(12, 2, generator=generator) - 0.2).tolist()]
    points += [(0.5, 0.5), (0.5, 0.5), (0.5, 0.9), (0.1, 0.9)]  # a dot, then along both axes
    for width, height, radius in ((97, 61, 0.03), (60, 130, 0.11)):
        mask = zone_mask(Zone("b", "edit", "brush", tuple(points), radius=radius), width, height)[0, 0]
        x, y = torch.arange(width, dtype=torch.float64) + 0.5, torch.arange(height, dtype=torch.float64)[:, None] + 0.5
        nearest = torch.full((height, width), math.inf, dtype=torch.float64)
        for (ax, ay), (bx, by) in zip(points, points[1:], strict=False):
            ax, ay, dx, dy = ax * width, ay * height, (bx - ax) * width, (by - ay) * height
            along = (((x - ax) * dx + (y - ay) * dy) / max(dx * dx + dy * dy, 1e-12)).clamp(0, 1)
            nearest = torch.minimum(nearest, ((x - ax - along * dx) ** 2 + (y - ay - along * dy) ** 2).sqrt())
        assert torch.equal(mask > 0, nearest <= radius * min(width, height))


def test_shapes_outside_the_picture_are_empty_and_across_its_border_are_cut():
    outside = Zone("o", "edit", "box", ((-0.9, 0.1), (-0.2, 0.9)))
    across = Zone("a", "edit", "ellipse", ((-0.5, 0.0), (0.5, 1.0)))
    assert area(zone_mask(outside, 64, 48)) == 0
    assert area(zone_mask(across, 640, 480)) == pytest.approx(math.pi / 8 * 640 * 480, rel=0.01)


@pytest.mark.parametrize("zone", DRAWN, ids=lambda zone: zone.name)
@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (7, 3)])
def test_tiny_pictures(zone, size):
    mask = zone_mask(zone, *size)
    assert mask.shape == (1, 1, size[1], size[0]) and torch.isfinite(mask).all()


def test_soft_masks_survive_as_they_are():
    soft = torch.linspace(0, 1, 256).view(1, 1, 16, 16)
    (zone,) = zones_from_inputs("soft", "edit", "", 1.0, soft, None, None)
    assert torch.equal(zone_mask(zone, 16, 16), (soft * 255).round() / 255)


# A resize


@pytest.mark.parametrize("zone", DRAWN, ids=lambda zone: zone.name)
@pytest.mark.parametrize("size", [(768, 512), (300, 200), (1001, 667), (96, 64)])
def test_a_resized_picture_gets_the_resized_mask(zone, size):
    """Within a pixel of the coarser of the two rasters."""
    width, height = size
    resized = torch.nn.functional.interpolate(zone_mask(zone, 600, 400), (height, width), mode="nearest-exact")
    mine = zone_mask(zone, width, height)
    tolerance = 1.0 + max(1.0, width / 600)
    wrong = (mine != resized).float()
    deep = masks.signed_distance(mine).abs() > tolerance
    assert area(wrong * deep) == 0
    assert area(wrong) < 0.05 * area(mine) + 8


def test_a_mask_zone_scales_with_the_picture():
    mask = zone_mask(ELLIPSE, 200, 100)
    (zone,) = zones_from_inputs("m", "edit", "", 1.0, mask, None, None)
    for width, height in ((400, 200), (100, 50), (333, 167)):
        wrong = (zone_mask(zone, width, height) > 0.5) != (zone_mask(ELLIPSE, width, height) > 0.5)
        assert area(wrong.float()) < 0.02 * width * height


# JSON


@pytest.mark.parametrize("zone", DRAWN, ids=lambda zone: zone.name)
def test_json_round_trip(zone):
    (soft,) = zones_from_inputs("soft", "anchor", "words", 0.5, torch.rand(1, 1, 5, 9), None, None)
    given = Zones((zone, soft))
    assert Zones.from_json(given.to_json()) == given


def test_defaults_of_a_zone():
    (zone,) = Zones.from_json('[{"role":"edit","shape":"box","points":[[0,0],[1,1]]}]')
    assert (zone.name, zone.prompt, zone.strength) == ("zone 1", "", 1.0)


def test_names_become_unique():
    named = Zones().add(BOX, BOX, Zone("box 2", "edit", "box", BOX.points))
    assert [zone.name for zone in named] == ["box", "box 2", "box 2 2"]


def test_select():
    drawn = Zones(DRAWN, frame=(30, 20))
    assert [zone.name for zone in drawn.select("*anchor")] == ["polygon"]
    assert [zone.name for zone in drawn.select("*edit")] == ["box", "ellipse", "brush"]
    assert drawn.select("brush").zones == (BRUSH,)
    assert drawn.select("*edit").frame == drawn.add(BOX).frame == (30, 20)
    with pytest.raises(ValueError, match=r"no zone is named 'face'; zones here: 'box', 'ellipse', 'polygon', 'brush'"):
        drawn.select("face")


SINGLE = hostile_zones.single_zones()
READ_ALL_THE_SAME = {  # odd, but they say what they mean
    "prompt: empty text",
    "prompt: control characters",
    "box points: far outside",
    "box points: one point twice",
    "polygon points: three corners",
}


@pytest.mark.parametrize("label", SINGLE)
def test_hostile_zone_is_named(label):
    text = f"[{json.dumps(hostile_zones.GOOD)},{SINGLE[label]}]"
    if label in READ_ALL_THE_SAME:
        read = Zones.from_json(text)
        assert torch.isfinite(zones_mask(read, 64, 48)).all() and Zones.from_json(read.to_json()) == read
        return
    with pytest.raises(ValueError, match=r"^zone 2\b") as caught:
        Zones.from_json(text)
    message = str(caught.value)
    assert len(message) < 250
    message.encode("utf-8")  # no half surrogates: the message travels as JSON


@pytest.mark.parametrize("label", hostile_zones.whole_texts())
def test_hostile_text_is_refused(label):
    with pytest.raises(ValueError, match=r"^(zones: |zone 1\b)") as caught:
        Zones.from_json(hostile_zones.whole_texts()[label])
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("label", hostile_zones.fine_texts())
def test_odd_text_is_read(label):
    read = Zones.from_json(hostile_zones.fine_texts()[label])
    assert torch.isfinite(zones_mask(read, 8, 6)).all()
    assert len({zone.name for zone in read}) == len(read)


def test_there_are_two_hundred_cases():
    assert len(SINGLE) + len(hostile_zones.whole_texts()) + len(hostile_zones.fine_texts()) >= 200


def test_zones_cost_together():
    points = {"name": "p", "role": "edit", "shape": "polygon", "points": [[0.5, 0.5]] * 20_000}
    with pytest.raises(ValueError, match=r"zone 11 \('p'\): all zones together"):
        Zones.from_json(json.dumps([points] * 11))


# Masks and boxes of other nodes

DICT = {"x": 2, "y": 3, "width": 4, "height": 5}
FORMS = {
    "core's dict": (DICT, 1),
    "with more keys": ({**DICT, "label": "cat", "score": 0.9}, 1),
    "list": ([DICT, {**DICT, "x": 10}], 2),
    "list for each frame": ([[DICT], [{**DICT, "x": 10}]], 2),
    "frame without a box": ([[], [DICT]], 1),
    "floats": ({key: float(value) for key, value in DICT.items()}, 1),
    "tuple": ((DICT,), 1),
}


@pytest.mark.parametrize("form", FORMS)
def test_box_forms(form):
    boxes, count = FORMS[form]
    found = zones_from_inputs("b", "anchor", "", 1.0, None, boxes, (20, 10))
    assert len(found) == count
    assert masks.bounding_box(zone_mask(found[-1 if count == 1 else 0], 20, 10)) == (2, 3, 4, 5)


def test_boxes_beyond_the_picture_are_cut():
    (zone,) = zones_from_inputs("b", "edit", "", 1.0, None, {"x": 15, "y": -5, "width": 500, "height": 9}, (20, 10))
    assert masks.bounding_box(zone_mask(zone, 20, 10)) == (15, 0, 5, 4)


@pytest.mark.parametrize("boxes", [[], [[]], [[], []]])
def test_no_box_found_becomes_an_empty_zone(boxes, caplog):
    (zone,) = zones_from_inputs("face", "anchor", "", 1.0, None, boxes, (20, 10))
    assert zone.name == "face" and area(zone_mask(zone, 20, 10)) == 0
    assert "zone 'face': no box was found" in caplog.text


def test_empty_mask_becomes_an_empty_zone(caplog):
    (zone,) = zones_from_inputs("hat", "edit", "", 1.0, torch.zeros(1, 1, 6, 8), None, None)
    assert area(zone_mask(zone, 80, 60)) == 0
    assert "zone 'hat': its mask is empty" in caplog.text


@pytest.mark.parametrize(
    ("boxes", "frame", "message"),
    [
        (None, None, "Add Zone needs a shape"),
        (DICT, None, "box is in pixels of a picture; connect that picture"),
        ("box", (9, 9), "box must have x, y, width and height in pixels.*got a string"),
        ({"x": 1, "y": 2}, (9, 9), "box must have x, y, width and height in pixels.*got an object"),
        ({**DICT, "x": "2"}, (9, 9), "box must have x, y, width and height"),
        ({**DICT, "x": math.nan}, (9, 9), r"zone 1 \('b'\): point 1 must be finite"),
        ([DICT, 7], (9, 9), "box must have x, y, width and height in pixels.*got the number 7"),
    ],
)
def test_box_errors(boxes, frame, message):
    with pytest.raises(ValueError, match=message):
        zones_from_inputs("b", "edit", "", 1.0, None, boxes, frame)


# What may change and what must stay


def plane(zone, size=(60, 40)):
    return zone_mask(zone, *size)


EDIT = plane(Zone("e", "edit", "box", ((0.1, 0.1), (0.9, 0.9))))
ANCHOR = plane(Zone("a", "anchor", "ellipse", ((0.3, 0.3), (0.6, 0.7))))


@pytest.mark.parametrize("outside", ["keep", "edit"])
@pytest.mark.parametrize("grow_px", [-3, 0, 5])
@pytest.mark.parametrize("feather_px", [0, 6])
@pytest.mark.parametrize("anchor_margin_px", [0, 4])
def test_anchors_win_and_every_pixel_is_editable_or_locked(outside, grow_px, feather_px, anchor_margin_px):
    edit, lock = edit_and_lock(
        EDIT, ANCHOR, outside=outside, grow_px=grow_px, feather_px=feather_px, anchor_margin_px=anchor_margin_px
    )
    assert (edit[ANCHOR > 0] == 0).all() and (lock[ANCHOR > 0] == 1).all()
    assert torch.equal(lock, (edit == 0).float())
    hard = edit_and_lock(EDIT, ANCHOR, outside=outside, grow_px=grow_px, anchor_margin_px=anchor_margin_px)[0]
    assert (edit[hard == 0] == 0).all(), "the feather goes inward only"


def test_nothing_set_changes_nothing():
    edit, lock = edit_and_lock(EDIT, torch.zeros_like(EDIT))
    assert torch.equal(edit, EDIT) and torch.equal(lock, 1 - EDIT)


def test_outside_edit_opens_everything_but_the_anchors():
    edit, _ = edit_and_lock(torch.zeros_like(EDIT), ANCHOR, outside="edit")
    assert torch.equal(edit, 1 - ANCHOR)


def test_anchor_margin_is_a_distance():
    _, lock = edit_and_lock(torch.ones_like(EDIT), ANCHOR, anchor_margin_px=4)
    assert torch.equal(lock, (masks.signed_distance(ANCHOR) >= -4).float())


def test_grow_is_a_distance_and_never_enters_an_anchor():
    small = plane(Zone("s", "edit", "box", ((0.1, 0.1), (0.28, 0.9))))
    edit, _ = edit_and_lock(small, ANCHOR, grow_px=8)
    expected = ((masks.signed_distance(small) >= -8) & (ANCHOR == 0)).float()
    assert torch.equal(edit, expected) and area(edit) > area(small)


def test_feather_ramps_from_both_borders():
    """Toward the outside as toward an anchor: 1/4, 2/4, 3/4, 1 with 3 px."""
    strip = torch.zeros(1, 1, 9, 40)
    strip[..., 5:35] = 1
    anchor = torch.zeros(1, 1, 9, 40)
    anchor[..., 25:30] = 1
    edit, _ = edit_and_lock(strip, anchor, feather_px=3)
    row = edit[0, 0, 4]
    assert row[4:9].tolist() == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    assert row[20:26].tolist() == pytest.approx([1, 1, 0.75, 0.5, 0.25, 0])


def test_brand_colors_are_anchored(coffee):
    """A swatch of the brand color and one just beyond the tolerance, in a photograph."""
    image = coffee[..., 100:200, 200:350].clone()
    brand = torch.tensor(color.hex_to_rgb("#c0202f")).view(1, 3, 1, 1)
    image[..., 10:30, 10:40] = brand
    image[..., 10:30, 60:90] = (brand * 1.25).clamp(0, 1)
    everywhere = Zones((Zone("all", "edit", "box", ((0.0, 0.0), (1.0, 1.0))),))
    edit, lock = edit_and_lock_masks(image, everywhere, anchor_colors=["#c0202f"], color_tolerance=3.0)
    assert (lock[..., 10:30, 10:40] == 1).all() and (lock[..., 10:30, 60:90] == 0).all()
    near = color.near_colors(image, ["#c0202f"], 3.0)
    assert torch.equal(lock, near) and torch.equal(edit, 1 - near)
    _, grown = edit_and_lock_masks(image, everywhere, anchor_colors=["#c0202f"], anchor_margin_px=2)
    assert (grown[..., 8:32, 12:38] == 1).all()


def test_batch_equals_singles(coffee):
    crop = coffee[..., 100:250, 200:400]
    pair = torch.cat((crop, crop.flip(3)))
    options = {
        "anchor_colors": ["#5a3a20"],
        "color_tolerance": 8.0,
        "feather_px": 5,
        "grow_px": 3,
        "anchor_margin_px": 2,
    }
    drawn = Zones(DRAWN)
    both = edit_and_lock_masks(pair, drawn, **options)
    for index in (0, 1):
        alone = edit_and_lock_masks(pair[index : index + 1], drawn, **options)
        assert all(torch.equal(b[index : index + 1], a) for b, a in zip(both, alone, strict=True))


def test_one_mask_serves_all_frames(coffee):
    edit, lock = edit_and_lock_masks(torch.cat((coffee, coffee)), Zones(DRAWN))
    assert len(edit) == len(lock) == 1


def test_given_masks_join_the_zones(coffee):
    shape = (1, 1, *coffee.shape[2:])
    edit_mask, anchor_mask = torch.zeros(shape), torch.zeros(shape)
    edit_mask[..., :20, :] = 0.5
    anchor_mask[..., 10:30, :] = 0.01
    edit, lock = edit_and_lock_masks(coffee, Zones(), edit=edit_mask, anchor=anchor_mask)
    assert (edit[..., :10, :] == 0.5).all() and (edit[..., 10:, :] == 0).all() and (lock[..., 10:, :] == 1).all()
