"""Version, changelog, requirements and commands agree."""

import re
import subprocess
import sys
from pathlib import Path

import edit_first
import pytest

ROOT = Path(__file__).resolve().parents[1]


def test_versions_agree():
    assert f'version = "{edit_first.__version__}"' in (ROOT / "pyproject.toml").read_text()
    assert re.search(rf"^## \[{re.escape(edit_first.__version__)}\]", (ROOT / "CHANGELOG.md").read_text(), re.M)


def test_requirements_never_move_a_users_torch():
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        assert not re.search(r"==|<|~=|!=|://", line), line


def test_ci_runs_exactly_the_readmes_test_command():
    command = (ROOT / ".ci" / "run").read_text().splitlines()[-1]
    assert command.endswith("-m pytest")
    assert f"\n{command}\n" in (ROOT / "README.md").read_text()


@pytest.mark.skipif(sys.version_info < (3, 11), reason="tomllib came with Python 3.11")
def test_registry_metadata():
    import tomllib

    value = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert value["project"]["name"] == "edit-first" and value["tool"]["comfy"]["DisplayName"] == "Edit First"
    assert "web" not in value["tool"]["comfy"], "WEB_DIRECTORY serves the pages"


@pytest.fixture(scope="module")
def archive() -> set[str]:
    """What `comfy node pack` puts into the registry archive: tracked files that `.comfyignore` does not name."""

    def listed(*options):
        command = ["git", "-C", str(ROOT), "ls-files", "-z", *options]
        return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\0")) - {""}

    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    return listed() - listed("-i", "-c", "--exclude-from=.comfyignore")


def test_archive_holds_what_runs_and_explains(archive):
    for pattern in (
        "*.py", "nodes/*.py", "imaging/*.py", "checks/*.py", "headless/*.py", "campaign/*.py", "js/**/*.js",
        "js/docs/**/*.md", "js/docs/**/*.jpg", "locales/*/*.json", "workflows/*.json", "workflows/*.jpg",
        "workflows/api/*.json", "subgraphs/*.json", "docs/**/*.md",
    ):  # fmt: skip
        found = {path.relative_to(ROOT).as_posix() for path in ROOT.glob(pattern)} - {"conftest.py"}
        assert found and found <= archive, f"{pattern}: {sorted(found - archive)}"
    assert {"LICENSE", "README.md", "pyproject.toml", "requirements.txt", "assets/LICENSES.md"} <= archive


def test_archive_leaves_out_what_only_developers_need(archive):
    assert not [name for name in archive if re.match(r"(tests|benchmarks|\.ci)/|conftest|\.(git|comfy)ignore", name)]
    assert sum((ROOT / name).stat().st_size for name in archive) < 8_000_000


def test_links_hold_inside_the_archive(archive):
    for page in (name for name in archive if name.startswith(("README", "docs/")) and name.endswith(".md")):
        text = (ROOT / page).read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", text):
            found = (ROOT / page).parent.joinpath(target).resolve().relative_to(ROOT)
            assert found.as_posix() in archive, f"{page} links to {target}"
