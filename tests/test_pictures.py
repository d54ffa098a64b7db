"""Help pages and templates have their pictures, and no picture is left over."""

import re
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "js" / "docs").glob("**/*.md"))
LINK = re.compile(r"!\[([^]]*)\]\(([^)]+)\)")
MOST_BYTES = 65_000


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent.name == "docs"], ids=lambda page: page.stem)
def test_a_help_page_shows_what_its_node_does(page):
    assert f"images/{page.stem.removeprefix('EditFirst_')}.jpg" in [link for _, link in LINK.findall(page.read_text())]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT / "js" / "docs")))
def test_pictures_of_help_pages_exist_and_are_described(page):
    """The help panel resolves links against `docs/`, also from a page in a language's folder."""
    for description, link in LINK.findall(page.read_text(encoding="utf-8")):
        assert (ROOT / "js" / "docs" / link).is_file() and len(description) > 5, link


def test_every_picture_is_used_and_small():
    used = {link for page in PAGES for _, link in LINK.findall(page.read_text(encoding="utf-8"))}
    for picture in (ROOT / "js" / "docs").glob("**/*.jpg"):
        assert picture.relative_to(ROOT / "js" / "docs").as_posix() in used
        assert picture.stat().st_size <= MOST_BYTES, picture.name


def test_every_template_has_a_thumbnail():
    """ComfyUI shows the .jpg beside a template's .json, by that name only."""
    templates = {path.stem for path in (ROOT / "workflows").glob("*.json")}
    thumbnails = {path.stem: path for path in (ROOT / "workflows").glob("*.jpg")}
    assert templates and set(thumbnails) == templates, "add it to docs/make_pictures.py and run that"
    for path in thumbnails.values():
        assert Image.open(path).size == (480, 360) and path.stat().st_size <= MOST_BYTES


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))])
def test_links_of_the_documents_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", text):
        assert (ROOT / page).parent.joinpath(target).exists(), target


def test_figures_of_the_gallery_stand_on_the_pages_it_names():
    """Each part of the gallery ends with a link to the benchmark its figures are from."""
    text = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    parts = re.split(r"\[All figures\]\((benchmarks/\w+\.md)\)", text)
    for part, link in zip(parts[::2], parts[1::2], strict=False):
        page = (ROOT / "docs" / link).read_text(encoding="utf-8")
        for figure in re.findall(r"(?<![\w#.])\d+\.\d+(?![\w.])", part):
            assert figure in page, f"{figure} is not in {link}"
