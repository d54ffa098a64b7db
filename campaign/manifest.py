"""The table of a campaign: rows of scene, product, masks, corners, color, prompt, seed and name."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from dataclasses import dataclass, fields
from pathlib import Path

PICTURES = ("scene", "product", "product_mask", "target_mask")
SEPARATOR = "|"  # several values in one cell: one job for each
MAX_JOBS = 100_000
MAX_NAME = 120
_HEX = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True)
class Job:
    """One picture to make."""

    row: int  # line of the table, counted from 1 without the header
    name: str  # file stem of the result, unique in the campaign
    scene: str
    product: str = ""
    product_mask: str = ""
    target_mask: str = ""
    corners: str = ""
    color: str = ""
    prompt: str = ""
    seed: int = 0


COLUMNS = tuple(field.name for field in fields(Job) if field.name != "row")


class ManifestError(ValueError):
    """A table that cannot be run; the message lists every problem with its row."""


def load(path: Path, folder: Path | None = None) -> list[Job]:
    """Read a `.csv` or `.json` manifest and check all of it.

    A CSV has a header with the columns of `Job`. A cell may hold several values separated by `|`, and a picture may be
    a pattern such as `scenes/*.png`; a row then stands for every combination. A JSON manifest is a list of rows, or
    `{"cross": [[rows], [rows]]}`, which combines every row of the first list with every row of the next.

    Args:
        path: the manifest.
        folder: what pictures are relative to, and where they must lie; None = the manifest's own folder.

    Raises:
        ManifestError: names every wrong row.
        OSError: the manifest cannot be read.
    """
    folder = (folder or path.parent).resolve()
    text = path.read_text(encoding="utf-8-sig")
    rows = _json_rows(text, path) if path.suffix.lower() == ".json" else _csv_rows(text, path)
    problems: list[str] = []
    jobs = [job for number, row in rows for job in _expand(number, row, folder, problems)]
    jobs = _name(jobs, problems)
    if not jobs and not problems:
        problems.append("the manifest has no rows")
    if len(jobs) > MAX_JOBS:
        problems.append(f"{len(jobs)} jobs; at most {MAX_JOBS} are run at once")
    if problems:
        raise ManifestError(f"{path.name} cannot be run:\n" + "\n".join(f"- {problem}" for problem in problems[:50]))
    return jobs


def _csv_rows(text: str, path: Path) -> list[tuple[int, dict[str, str]]]:
    reader = csv.DictReader(io.StringIO(text), strict=True)
    try:
        header = [name.strip().lower() for name in reader.fieldnames or []]
        _check_columns(header, path)
        reader.fieldnames = header
        return [(number, row) for number, row in enumerate(reader, 1) if any(_text(v) for v in row.values())]
    except csv.Error as error:
        raise ManifestError(f"{path.name}: not a CSV table ({error})") from None


def _json_rows(text: str, path: Path) -> list[tuple[int, dict]]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ManifestError(f"{path.name}: not JSON ({error})") from None
    lists = value.get("cross") if isinstance(value, dict) else [value]
    if not isinstance(lists, list) or not all(
        isinstance(rows, list) and all(isinstance(row, dict) for row in rows) for rows in lists
    ):
        raise ManifestError(f'{path.name}: expected a list of rows, or {{"cross": [[rows], [rows]]}}')
    if len(list(itertools.islice(itertools.product(*lists), MAX_JOBS + 1))) > MAX_JOBS:
        raise ManifestError(f"{path.name}: more than {MAX_JOBS} combinations")
    merged = [{k: v for row in rows for k, v in row.items()} for rows in itertools.product(*lists)]
    _check_columns(sorted({key for row in merged for key in row}), path)
    return list(enumerate(merged, 1))


def _check_columns(columns: list[str], path: Path) -> None:
    unknown = [name for name in columns if name not in COLUMNS]
    if unknown or "scene" not in columns:
        what = f"unknown column '{unknown[0]}'" if unknown else "no column 'scene'"
        raise ManifestError(f"{path.name}: {what}; the columns are {', '.join(COLUMNS)}")


def _text(value) -> str:
    if isinstance(value, list):  # cells beyond the header
        return "".join(map(str, value)).strip()
    return "" if value is None else str(value).strip()


def _expand(number: int, row: dict, folder: Path, problems: list[str]) -> list[Job]:
    """All jobs that one row stands for; what is wrong with it goes to `problems`."""
    if None in row:
        problems.append(f"row {number}: more cells than columns; put quotes around cells with commas")
        return []
    before = len(problems)
    choices = {column: _choices(number, column, _text(row.get(column)), folder, problems) for column in COLUMNS}
    if not _text(row.get("scene")):
        problems.append(f"row {number}: scene is empty; every job starts from a scene")
    if len(problems) > before:
        return []
    keys = list(choices)
    combinations = itertools.islice(itertools.product(*choices.values()), MAX_JOBS + 1)
    return [Job(row=number, **dict(zip(keys, values, strict=True))) for values in combinations]


def _choices(number: int, column: str, cell: str, folder: Path, problems: list[str]) -> list:
    """The values of one cell, checked."""
    if column in ("prompt", "corners"):  # free text may hold the separator
        return [cell]
    values = [value.strip() for value in cell.split(SEPARATOR)]
    if column in PICTURES:
        return [found for value in values for found in _pictures(number, column, value, folder, problems)]
    if column == "color":
        for value in values:
            if value and not _HEX.fullmatch(value):
                problems.append(f"row {number}: color '{value[:40]}' is not of the form #rrggbb")
        return [value.lower() for value in values]
    if column == "seed":
        for value in values:
            if value and not (value.isascii() and value.isdigit() and int(value) < 2**64):
                problems.append(f"row {number}: seed '{value[:40]}' is not a whole number from 0 to 2^64-1")
        return [int(value) if value.isascii() and value.isdigit() else 0 for value in values]
    return values


def _pictures(number: int, column: str, value: str, folder: Path, problems: list[str]) -> list[str]:
    """Pictures named by one value, as paths inside the folder."""
    if not value:
        return [""]
    if "*" in value or "?" in value:
        if ".." in Path(value).parts or Path(value).is_absolute():
            problems.append(f"row {number}: {column} '{value[:80]}' leads out of {folder}")
            return []
        found = sorted(str(path.relative_to(folder).as_posix()) for path in folder.glob(value) if path.is_file())
        if not found:
            problems.append(f"row {number}: {column} '{value[:80]}' matches no file in {folder}")
        return found
    path = (folder / value).resolve()
    if not path.is_relative_to(folder):
        problems.append(f"row {number}: {column} '{value[:80]}' leads out of {folder}")
    elif not path.is_file():
        problems.append(f"row {number}: {column} '{value[:80]}' does not exist in {folder}")
    return [value]


def safe_stem(text: str) -> str:
    """A file stem that is safe on every system: letters, digits, `-`, `_` and `.`, never empty or hidden."""
    stem = re.sub(r"[^\w.-]+", "_", text, flags=re.ASCII).strip("._-")[:MAX_NAME].rstrip("._-")
    reserved = re.fullmatch(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", stem, re.IGNORECASE)
    return f"_{stem}" if reserved else stem or "job"


def _name(jobs: list[Job], problems: list[str]) -> list[Job]:
    """Give every job a unique, safe name. A name written twice is a problem; made-up names are numbered."""
    taken: dict[str, int] = {}
    expanded = {number for number, group in itertools.groupby(jobs, lambda job: job.row) if len(list(group)) > 1}
    named = []
    for job in jobs:
        parts = [Path(job.scene).stem, Path(job.product).stem, job.color.lstrip("#"), str(job.seed) if job.seed else ""]
        made_up = "_".join(part for part in parts if part)
        stem = safe_stem(
            job.name if job.name and job.row not in expanded else "_".join(filter(None, (job.name, made_up)))
        )
        if job.name and stem.lower() in taken and job.row not in expanded:
            problems.append(f"row {job.row}: name '{job.name[:40]}' is already used by row {taken[stem.lower()]}")
        number, unique = 2, stem
        while unique.lower() in taken:
            unique, number = f"{stem}_{number}", number + 1
        taken[unique.lower()] = job.row
        named.append(Job(**{**vars(job), "name": unique}))
    return named
