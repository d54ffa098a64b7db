"""Which files belong together: pictures, their originals and masks, by name."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"}
VIDEOS = {".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".gif"}
ROLES = ("before", "after", "mask", "lock")
ROLE = re.compile(rf"(.+)_({'|'.join(ROLES)})", re.IGNORECASE)

RULE = """Files are paired by name. In one folder, x_after.png belongs to x_before.png, and to x_mask.png and x_lock.png where
they are there. With --before, --mask or --lock naming another folder, x.png belongs to the file of that folder called x
or x_before, x_mask, x_lock, whatever its ending; a single file given there serves every picture."""


@dataclass(frozen=True)
class Job:
    """One picture or clip to be checked, and what belongs to it."""

    name: str  # as shown; unique enough to find the file again
    after: Path
    before: Path | None = None
    mask: Path | None = None
    lock: Path | None = None
    clip: bool = False
    problem: str | None = None  # why it cannot be checked, found before anything is read


@dataclass(frozen=True)
class Sources:
    """What the command line names besides the pictures: files, or folders to look in."""

    before: Path | None = None
    mask: Path | None = None
    lock: Path | None = None
    clips: bool = False  # every folder is one clip
    alone: bool = False  # pictures without an original can be checked


def collect(given: list[Path], sources: Sources) -> list[Job]:
    """The jobs that the command line asks for, in order; what is missing is a problem of its job."""
    jobs: list[Job] = []
    for path in given:
        if path.suffix.lower() in VIDEOS or (sources.clips and path.is_dir()):
            jobs.append(Job(str(path), path, clip=True))
        elif path.is_dir():
            jobs += _of_folder(path, sources)
        else:
            jobs.append(Job(str(path), path))
    return [_with_partners(job, sources) for job in jobs]


def pictures_in(folder: Path) -> list[Path]:
    """The pictures of a folder, as people count them (2 before 10); hidden files and folders inside are left out."""
    found = [p for p in folder.iterdir() if p.suffix.lower() in PICTURES and not p.name.startswith(".") and p.is_file()]
    return sorted(found, key=natural_order)


def natural_order(path: Path) -> list:
    """Sort key that reads digits as numbers."""
    parts = re.split(r"(\d+)", path.name.lower())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _of_folder(folder: Path, sources: Sources) -> list[Job]:
    roles = [(path, _role(path)) for path in pictures_in(folder)]
    after = [path for path, role in roles if role == "after"]
    if not after and (sources.before or sources.alone):
        after = [path for path, role in roles if role is None]
    jobs = [Job(str(path), path) for path in after]
    if not sources.before and not sources.alone:
        expected = {_key(path) for path in after}
        lonely = [path for path, role in roles if role == "before" and _key(path) not in expected]
        jobs += [Job(str(p), p, problem=f"has no {_key(p)}_after beside it; {_short_rule()}") for p in lonely]
    if not jobs:
        wanted = "pictures" if sources.before or sources.alone else "pictures named x_after with x_before beside them"
        jobs = [Job(str(folder), folder, problem=f"holds no {wanted}; name two folders with --before, or rename")]
    return jobs


def _role(path: Path) -> str | None:
    match = ROLE.fullmatch(path.stem)
    return match[2].lower() if match else None


def _key(path: Path) -> str:
    """What the files of one picture have in common: the name without its role."""
    match = ROLE.fullmatch(path.stem)
    return match[1] if match else path.stem


def _short_rule() -> str:
    return "files are paired as x_after, x_before, x_mask; see --help"


def _with_partners(job: Job, sources: Sources) -> Job:
    if job.problem:
        return job
    if not job.after.exists():
        return replace(job, problem="does not exist")
    beside = job.after.parent if _role(job.after) == "after" else None
    for role in ("before", "mask", "lock"):
        given = getattr(sources, role)
        if given is None and (beside is None or job.clip):
            continue
        found, problem = _partner(job.after, role, given or beside, required=_is_required(role, given, beside, sources))
        if problem:
            return replace(job, problem=problem)
        job = replace(job, **{role: found})
    if job.before is None and not job.clip and not sources.alone:
        return replace(job, problem=f"has no original: give --before, or --video-model; {_short_rule()}")
    return job


def _is_required(role: str, given: Path | None, beside: Path | None, sources: Sources) -> bool:
    """A folder that was named must hold a partner; beside the picture an original must, and what its neighbours have."""
    if given is not None:
        return True
    if role == "before":
        return not sources.alone
    return any(_role(path) == role for path in pictures_in(beside))


def _partner(after: Path, role: str, place: Path, *, required: bool) -> tuple[Path | None, str | None]:
    """The file of a role that belongs to a picture, or why there is none."""
    if place.is_file():
        return place, None
    if not place.is_dir():
        return None, f"has no {role}: {place} does not exist"
    key = _key(after).lower()
    names = {f"{key}_{role}"} | ({key} if place.resolve() != after.parent.resolve() else set())
    found = [path for path in pictures_in(place) if path.stem.lower() in names and path != after]
    if len(found) > 1:
        return None, f"has {len(found)} files for its {role}: {', '.join(path.name for path in found[:4])}"
    if not found and required:
        return None, f"has no {role}: expected {' or '.join(sorted(names))} in {place}; {_short_rule()}"
    return (found[0] if found else None), None
