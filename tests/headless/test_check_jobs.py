import pytest
from edit_first.headless.check_jobs import Sources, collect, natural_order


@pytest.fixture
def make(tmp_path):
    def make(*names):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
        return tmp_path

    return make


def shown(jobs):
    return [
        (job.after.name, *(path.name if path else None for path in (job.before, job.mask, job.lock))) for job in jobs
    ]


def test_one_folder_is_paired_by_role(make):
    folder = make("b_after.png", "b_before.jpg", "B_mask.png", "a_after.PNG", "a_before.png", "a_mask.png", "notes.txt")
    jobs = collect([folder], Sources())
    assert shown(jobs) == [
        ("a_after.PNG", "a_before.png", "a_mask.png", None),
        ("b_after.png", "b_before.jpg", "B_mask.png", None),
    ]
    assert all(job.problem is None for job in jobs)


def test_a_single_file_finds_its_partners_too(make):
    folder = make("x_after.png", "x_before.png", "x_lock.png")
    assert shown(collect([folder / "x_after.png"], Sources())) == [("x_after.png", "x_before.png", None, "x_lock.png")]


def test_folders_are_paired_by_stem(make):
    folder = make(
        "after/2.png", "after/10.jpg", "before/2.webp", "before/10_before.png", "mask/2.png", "mask/10_mask.png"
    )
    jobs = collect([folder / "after"], Sources(before=folder / "before", mask=folder / "mask"))
    assert shown(jobs) == [("2.png", "2.webp", "2.png", None), ("10.jpg", "10_before.png", "10_mask.png", None)]


def test_one_original_and_mask_serve_many(make):
    folder = make("after/a.png", "after/b.png", "original.png", "mask.png")
    jobs = collect([folder / "after"], Sources(before=folder / "original.png", mask=folder / "mask.png"))
    assert shown(jobs) == [("a.png", "original.png", "mask.png", None), ("b.png", "original.png", "mask.png", None)]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["x_after.png"], "has no before: expected x_before in"),
        (["x_before.png"], "has no x_after beside it"),
        (["x_after.png", "x_before.png", "x_before.jpg"], "has 2 files for its before: x_before.jpg, x_before.png"),
        (["x.png", "y.png"], "holds no pictures named x_after with x_before beside them"),
        ([], "holds no pictures"),
    ],
)
def test_what_is_missing_is_said(make, names, expected):
    jobs = collect([make(*names)], Sources())
    assert [expected in job.problem for job in jobs] == [True]


def test_a_mask_is_missing_where_others_have_one(make):
    folder = make("a_after.png", "a_before.png", "a_mask.png", "b_after.png", "b_before.png")
    first, second = collect([folder], Sources())
    assert first.problem is None and "has no mask: expected b_mask in" in second.problem


def test_a_named_folder_must_hold_a_partner(make):
    folder = make("after/a.png", "before/b.png")
    (job,) = collect([folder / "after"], Sources(before=folder / "before"))
    assert "has no before: expected a or a_before in" in job.problem
    (job,) = collect([folder / "after"], Sources(before=folder / "nowhere"))
    assert "nowhere does not exist" in job.problem
    (job,) = collect([folder / "missing.png"], Sources(before=folder / "before"))
    assert job.problem == "does not exist"
    (job,) = collect([folder / "after" / "a.png"], Sources())
    assert job.problem.startswith("has no original: give --before")


def test_stills_alone_leave_partners_out(make):
    folder = make("a.png", "b_before.png", "b_mask.png", ".hidden.png")
    assert shown(collect([folder], Sources(alone=True))) == [("a.png", None, None, None)]


def test_clips_are_folders_and_videos(make):
    folder = make("clip/1.png", "clip/2.png", "x.mp4", "mask.png")
    jobs = collect([folder / "clip", folder / "x.mp4"], Sources(clips=True, mask=folder / "mask.png"))
    assert [(job.after.name, job.clip, job.mask.name) for job in jobs] == [
        ("clip", True, "mask.png"),
        ("x.mp4", True, "mask.png"),
    ]
    assert all(job.problem is None for job in jobs)


def test_frames_are_counted_as_people_do(make):
    names = [path.name for path in sorted(make("10.png", "2.png", "1b.png").iterdir(), key=natural_order)]
    assert names == ["1b.png", "2.png", "10.png"]
