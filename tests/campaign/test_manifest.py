import json

import pytest
from edit_first.campaign import manifest
from edit_first.campaign.manifest import ManifestError


@pytest.fixture
def folder(tmp_path):
    for name in ("a.png", "b.png", "cup.png", "can.png", "sub/c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def load(folder, text, name="m.csv"):
    (folder / name).write_text(text, encoding="utf-8")
    return manifest.load(folder / name)


def test_rows_become_jobs(folder):
    jobs = load(
        folder, 'scene,product,color,prompt,seed,name\na.png,cup.png,#FF0000,"red, glossy",7,First one!\nb.png,,,,,\n'
    )
    assert [job.row for job in jobs] == [1, 2]
    assert jobs[0].color == "#ff0000" and jobs[0].prompt == "red, glossy" and jobs[0].seed == 7
    assert [job.name for job in jobs] == ["First_one", "b"]


def test_cells_and_patterns_expand_to_all_combinations(folder):
    jobs = load(folder, "scene,product,color\n*.png,cup.png|can.png,#000000|#ffffff|#ff0000\n")
    assert len(jobs) == 4 * 2 * 3
    assert len({job.name for job in jobs}) == 24 and {job.row for job in jobs} == {1}
    assert jobs[0].name == "a_cup_000000"


def test_json_cross_product(folder):
    value = {
        "cross": [[{"scene": "a.png"}, {"scene": "b.png"}], [{"product": "cup.png", "seed": s} for s in (1, 2, 3)]]
    }
    jobs = load(folder, json.dumps(value), "m.json")
    assert [(job.scene, job.seed) for job in jobs] == [(s, n) for s in ("a.png", "b.png") for n in (1, 2, 3)]


def test_all_problems_are_listed_with_their_rows(folder):
    text = "scene,color,seed\na.png,blue,1\n,#ffffff,1\nmissing.png,#ffffff,-3\n../a.png,,\nb.png,#ffffff,1\n"
    with pytest.raises(ManifestError) as caught:
        load(folder, text)
    message = str(caught.value)
    for part in ("row 1: color 'blue'", "row 2: scene is empty", "row 3: scene 'missing.png' does not exist"):
        assert part in message
    assert "row 3: seed '-3'" in message and "row 4: scene '../a.png' leads out of" in message
    assert "row 5" not in message


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("", "m.csv", "no column 'scene'; the columns are name, scene"),
        ("scene,size\na.png,3\n", "m.csv", "unknown column 'size'"),
        ("scene\n", "m.csv", "the manifest has no rows"),
        ("scene,color\na.png,#ffffff,extra\n", "m.csv", "row 1: more cells than columns"),
        ("scene,name\na.png,x\nb.png,X\n", "m.csv", "row 2: name 'X' is already used by row 1"),
        ("scene\nz*.png\n", "m.csv", "matches no file"),
        ("scene\n/etc/*\n", "m.csv", "leads out of"),
        ("{", "m.json", "not JSON"),
        ('{"rows": []}', "m.json", "expected a list of rows"),
        ('[{"scene": "a.png", "x": 1}]', "m.json", "unknown column 'x'"),
        ('"x', "m.csv", "not a CSV table"),
    ],
)
def test_errors(folder, text, name, message):
    with pytest.raises(ManifestError, match=message):
        load(folder, text, name)


@pytest.mark.parametrize(
    ("text", "stem"),
    [("../../etc/passwd", "etc_passwd"), ("a b/c", "a_b_c"), ("", "job"), ("CON", "_CON"), ("...", "job")]
    + [("schön", "sch_n"), ("x" * 500, "x" * manifest.MAX_NAME), ("a\0b\n", "a_b"), (".hidden", "hidden")],
)
def test_names_are_safe_on_every_system(text, stem):
    assert manifest.safe_stem(text) == stem


def test_made_up_names_are_numbered_when_they_clash(folder):
    jobs = load(folder, "scene\na.png\na.png\na.png\n")
    assert [job.name for job in jobs] == ["a", "a_2", "a_3"]
