"""Zone texts that nobody draws: broken, hostile and merely odd. Shared by the unit tests and the server's."""

from __future__ import annotations

import base64
import json
import struct
import zlib

GOOD = {"name": "fine", "role": "edit", "shape": "box", "points": [[0.1, 0.1], [0.5, 0.5]]}
JUNK = {
    "null": "null",
    "true": "true",
    "minus one": "-1",
    "huge float": "1e308",
    "overflow": "1e999",
    "NaN": "NaN",
    "infinity": "-Infinity",
    "huge integer": "9" * 4000,
    "empty text": '""',
    "control characters": '"a\\u0000\\u001b[31m\\nb"',
    "half surrogate": '"a\\ud800"',
    "long text": json.dumps("x" * 30_000),
    "empty list": "[]",
    "empty object": "{}",
    "nested lists": "[" * 90 + "]" * 90,
    "nested objects": '{"a":' * 90 + "1" + "}" * 90,
    "list of text": '["a","b"]',
}
POINTS = {
    "no points": "[]",
    "one corner": "[[0,0]]",
    "three corners": "[[0,0],[1,1],[1,0]]",
    "numbers": "[1,2,3,4]",
    "single numbers": "[[0],[1]]",
    "three numbers": "[[0,0,0],[1,1,1]]",
    "texts": '[["0","0"],["1","1"]]',
    "booleans": "[[true,false],[true,true]]",
    "null corner": "[null,[1,1]]",
    "nulls": "[[null,null],[1,1]]",
    "objects": '[{"x":0,"y":0},{"x":1,"y":1}]',
    "NaN": "[[NaN,0],[1,1]]",
    "infinite": "[[0,0],[Infinity,1]]",
    "overflow": "[[0,0],[1e999,1]]",
    "huge": "[[0,0],[1e308,-1e308]]",
    "huge integers": f"[[0,0],[{'9' * 4000},1]]",
    "far outside": "[[-50,-50],[-40,-40]]",
    "one point twice": "[[0.5,0.5],[0.5,0.5]]",
    "too many": json.dumps([[0.5, 0.5]] * 20_001),
    "deep": "[[[[[[0,0]]]]],[1,1]]",
}


def png(width: int, height: int, *, depth: int = 8, color: int = 0, data: bytes | None = None) -> str:
    """Base64 of a PNG that claims a size; without `data` it holds that many zeros, however large."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    channels = {0: 1, 2: 3, 6: 4}[color]
    row = b"\0" * (1 + width * channels * depth // 8)
    if data is None:
        packer = zlib.compressobj(1)
        data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    body = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    return base64.b64encode(body).decode()


def _mask(value: str) -> str:
    return json.dumps({"name": "m", "role": "edit", "shape": "mask", "png": value})


def _bombs() -> dict[str, str]:
    text = zlib.compress(b"A" * 30_000_000)
    body = b"c\0\0" + text
    chunk = struct.pack(">I", len(body)) + b"zTXt" + body + struct.pack(">I", zlib.crc32(b"zTXt" + body))
    small = base64.b64decode(png(4, 4))
    return {
        "claims a gigapixel": _mask(png(40_000, 40_000, data=b"")),
        "really large": _mask(png(9_000, 9_000)),
        "text bomb": _mask(base64.b64encode(small[:33] + chunk + small[33:]).decode()),
        "no data": _mask(png(100, 100, data=b"")),
        "cut off": _mask(png(64, 64)[:60]),
        "bit rot": _mask(base64.b64encode(small[:40] + b"\xff\xff\xff" + small[43:]).decode()),
        "size 0": _mask(png(0, 0)),
        "16 bit": _mask(png(8, 8, depth=16)),
        "jpeg": _mask(base64.b64encode(b"\xff\xd8\xff\xe0" + b"\0" * 100).decode()),
        "not base64": _mask("!!!not base64!!!"),
        "not ASCII": _mask("ÄÖÜ→"),
        "path": _mask("../../../../etc/passwd"),
        "data address": _mask("data:image/png;base64," + png(4, 4)),
    }


def _zone(**changes: str) -> str:
    """A zone as JSON text; changes are JSON texts themselves, since JSON's own writer would refuse some."""
    fields = {key: json.dumps(value) for key, value in GOOD.items()} | {"name": '"bad"'} | changes
    return "{" + ",".join(f'"{key}":{value}' for key, value in fields.items()) + "}"


def single_zones() -> dict[str, str]:
    """JSON texts of one odd zone each, by label."""
    zones = {}
    for key in ("name", "role", "shape", "points", "radius", "prompt", "strength", "png"):
        shape = {"radius": '"brush"', "png": '"mask"'}.get(key)
        for label, value in JUNK.items():
            zones[f"{key}: {label}"] = _zone(**({"shape": shape} if shape else {}), **{key: value})
    for shape in ("box", "polygon"):
        for label, value in POINTS.items():
            zones[f"{shape} points: {label}"] = _zone(shape=f'"{shape}"', points=value)
    zones["brush without radius"] = _zone(shape='"brush"')
    zones["brush of nothing"] = _zone(shape='"brush"', radius="0.1", points="[null,null]")
    zones["reserved name"] = _zone(name='"*anchor"')
    for label, value in {"number": "7", "text": '"zone"', "list": "[]", "null": "null", "empty": "{}"}.items():
        zones[f"instead of a zone: {label}"] = value
    zones.update({f"png: {label}": value for label, value in _bombs().items()})
    return zones


def whole_texts() -> dict[str, str]:
    """Texts that are wrong as a whole."""
    good = json.dumps(GOOD)
    return {
        "not JSON": "<zones/>",
        "cut off": "[" + good,
        "object": good,
        "number": "42",
        "null": "null",
        "text": '"[]"',
        "deep": "[" * 100_000 + "]" * 100_000,
        "deep objects": '{"a":' * 100_000 + "1" + "}" * 100_000,
        "10 MB of text": "[" + json.dumps("x" * 10_000_000) + "]",
        "10 MB of spaces and a bracket": " " * 10_000_000 + "[",
        "10 MB of zones": "[" + ",".join([good] * 110_000) + "]",
        "30 MB": "[" + " " * 30_000_000 + "]",
        "huge integer": "9" * 100_000,
        "byte order mark": "\ufeff[]",
    }


def fine_texts() -> dict[str, str]:
    """Odd but right: these must be read."""
    return {
        "nothing": "",
        "spaces": " \n\t ",
        "no zones": "[]",
        "500 zones of one name": json.dumps([GOOD] * 500),
        "every script": json.dumps(
            [{**GOOD, "name": "顔 چهره 👩‍👩‍👧 Ωmega", "prompt": "🙂 «naïve»\nnew line"}], ensure_ascii=False
        ),
        "unknown keys": json.dumps([{**GOOD, "locked": True, "color": "#fff", "__proto__": {}}]),
        "a key twice": '[{"role":"anchor",' + json.dumps(GOOD)[1:] + "]",
        "outside the picture": json.dumps([{**GOOD, "points": [[-0.5, 0.2], [1.5, 0.4]]}]),
        "long stroke of a huge brush": json.dumps(
            [{**GOOD, "shape": "brush", "radius": 0.9, "points": [[i % 2, i / 20_000] for i in range(20_000)]}]
        ),
        "corners swapped": json.dumps([{**GOOD, "points": [[0.9, 0.9], [0.1, 0.1]]}]),
    }
