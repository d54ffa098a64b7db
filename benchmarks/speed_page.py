"""The page docs/benchmarks/speed.md, from what speed.py measured."""

from __future__ import annotations

HEAD = """# Time and memory

From `benchmarks/speed.py` (`speed.json`, {date}, torch {torch}): one frame with an edit of a tenth of it, {threads} threads on two
cores, each measurement in a process of its own, the faster of two calls (of one where it takes 8 s and more). Seconds are the
clock's; *busy* is processor time at 8 megapixels; memory is what the process held at most beyond its inputs, in frames of
float RGB (8 megapixels: 92 MiB). *Growth* is the exponent of processor time over pixels between the two largest sizes: 1 is
as the pixels grow. Other work on the machine, as the load average before each measurement: {load}.
"""
RIVALS_HEAD = """
## Beside others

What people use in a node's place, from its own code on the same pixels. It does less: seamlessClone blends without looking at
texture, the masked composite pastes, the color transfers fit the whole frame, and none of them reports.
"""
BATCHES_HEAD = """
## Batches

Frames of 1 megapixel in one call. *Frames of memory* are those of the call at 16 frames, its results included; *for one more*
is what each further frame adds, where 1 frame is 11.4 MiB.
"""


def seconds(case: dict | None) -> str:
    if not case:
        return "-"
    if "error" in case:
        return "over 60 s, stopped" if case["error"].startswith("not done") else "not at hand"
    return f"{case['seconds']:.2f} s" if case["seconds"] >= 0.1 else f"{case['seconds']:.3f} s"


def table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _sizes(cases: dict) -> list[str]:
    return sorted((size for size in cases if size != "growth"), key=float)


def _growth(cases: dict) -> str:
    return "-" if cases.get("growth") is None else f"{cases['growth']:.2f}"


def _at_8(cases: dict, name: str) -> str:
    value = (cases.get("8") or {}).get(name)
    return "-" if value is None else f"{value:.1f}"


def sizes_table(result: dict) -> str:
    sizes = sorted({size for cases in result["nodes"].values() for size in _sizes(cases)}, key=float)
    rows = [
        [
            node.removeprefix("EditFirst_"),
            *(seconds(cases.get(size)) for size in sizes),
            f"{_at_8(cases, 'busy')} s",
            _at_8(cases, "frames"),
            _growth(cases),
        ]
        for node, cases in result["nodes"].items()
    ]
    return table(["node", *(f"{s} MP" for s in sizes), "busy, 8 MP", "frames of memory, 8 MP", "growth"], rows)


def rivals_table(result: dict) -> str:
    rows, sizes = [], ("1", "8", "33")
    for node, rivals in result["rivals"].items():
        for name, cases in {node.removeprefix("EditFirst_"): result["nodes"].get(node, {}), **rivals}.items():
            frames = _at_8(cases, "frames")
            rows.append([name, *(seconds(cases.get(size)) for size in sizes), frames, _growth(cases)])
    return table(["", *(f"{size} MP" for size in sizes), "frames of memory, 8 MP", "growth"], rows)


def batches_table(result: dict) -> str:
    rows = []
    for node, cases in result["batches"].items():
        first, last = cases.get("4", {}), cases.get("16", {})
        if "seconds" not in last:
            rows.append(
                [node.removeprefix("EditFirst_"), *(seconds(cases.get(count)) for count in ("1", "4", "16")), "-", "-"]
            )
            continue
        each = [
            f"{cases[count]['seconds'] / int(count):.2f} s" if "seconds" in cases.get(count, {}) else "-"
            for count in ("1", "4", "16")
        ]
        more = f"{(last['frames'] - first['frames']) / 12:.1f}" if "frames" in first else "-"
        rows.append([node.removeprefix("EditFirst_"), *each, f"{last['frames']:.0f}", more])
    return table(
        ["node", "a frame of 1", "a frame of 4", "a frame of 16", "frames of memory, 16", "for one more"], rows
    )


def losses(result: dict) -> list[str]:
    """Where a rival is faster, what grows faster than its pixels, what did not end."""
    found = []
    for node, rivals in result["rivals"].items():
        ours = (result["nodes"].get(node, {}).get("8") or {}).get("seconds")
        for name, cases in rivals.items():
            theirs = (cases.get("8") or {}).get("seconds")
            if ours and theirs and theirs < ours:
                found.append(
                    f"{name} takes {ours / theirs:.1f} times less time than {node.removeprefix('EditFirst_')} at 8 MP."
                )
    fast = [
        f"{n.removeprefix('EditFirst_')} {c['growth']:.2f}"
        for n, c in result["nodes"].items()
        if (c.get("growth") or 0) > 1.1
    ]
    if fast:
        found.append(f"Time grows faster than the pixels by more than a tenth in the exponent: {', '.join(fast)}.")
    for node, cases in result["nodes"].items():
        errors = [f"{size} MP: {cases[size]['error']}" for size in _sizes(cases) if "error" in cases[size]]
        if errors:
            found.append(f"{node.removeprefix('EditFirst_')}, {'; '.join(errors)}.")
    return found


def page(result: dict) -> str:
    """The page as Markdown."""
    cases = [case for group in result["nodes"].values() for case in group.values() if isinstance(case, dict)]
    loads = sorted(case["load"] for case in cases if "load" in case)
    load = f"{loads[0]:g} to {loads[-1]:g}, median {loads[len(loads) // 2]:g}" if loads else "not recorded"
    parts = [HEAD.format(**{**result, "load": load}), sizes_table(result)]
    if result.get("rivals"):
        parts += [RIVALS_HEAD, rivals_table(result)]
    if result.get("batches"):
        parts += [BATCHES_HEAD, batches_table(result)]
    found = losses(result) + ([result["note"]] if result.get("note") else [])
    parts.append("\n## Losses\n\n" + "\n".join(f"- {line}" for line in found) + "\n")
    skipped = ", ".join(f"{node.removeprefix('EditFirst_')} ({why})" for node, why in result["skipped"].items())
    parts.append(f"\nNot measured here: {skipped}; GPUs. The check of a clip gets five frames of each size.\n")
    return "".join(parts)
