import torch
from edit_first.imaging import grain as library
from edit_first.imaging import masks
from edit_first.nodes.grain import GrainMatch


def test_equals_the_library_and_reports_before_and_after(coffee, make_disc):
    noise = torch.randn(coffee.shape, generator=torch.Generator().manual_seed(1))
    plate, raw, disc = (coffee + 5 / 255 * noise).clamp(0, 1), masks.gaussian_blur(coffee, 0.7), make_disc(coffee)
    image, report = GrainMatch.execute(
        raw.movedim(1, 3), disc[:, 0], seed=5, original=plate.movedim(1, 3), lock_mask=make_disc(coffee, 0.05)[:, 0]
    ).args
    expected = library.match_grain(raw, disc, original=plate, seed=5, lock_mask=make_disc(coffee, 0.05))
    assert torch.equal(image.movedim(3, 1), expected)
    assert "before)" in report.measurements[0].detail
    assert report.measurements[0].verdict("production") == "pass"


def test_strength_zero_and_alpha(coffee, make_disc):
    image = torch.cat((coffee.movedim(1, 3), torch.rand(1, 400, 600, 1)), 3)
    assert torch.equal(GrainMatch.execute(image, make_disc(coffee)[:, 0], strength=0.0)[0], image)
