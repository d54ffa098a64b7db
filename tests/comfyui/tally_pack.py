"""A custom-node pack for a throw-away ComfyUI: notes which of core's picture nodes run. Installed by test_gate.py."""

from __future__ import annotations

import functools
import os

import nodes

NODE_CLASS_MAPPINGS: dict = {}


def noted(name: str, function):
    @functools.wraps(function)
    def run(*given, **named):
        with open(os.environ["EDIT_FIRST_TALLY"], "a") as tally:
            tally.write(name + "\n")
        return function(*given, **named)

    return run


for _cls in (nodes.ImageScale, nodes.ImageInvert, nodes.SaveImage):
    setattr(_cls, _cls.FUNCTION, noted(_cls.__name__, getattr(_cls, _cls.FUNCTION)))
