"""A custom-node pack for a throw-away ComfyUI: loaders that need no files. Installed by test_zone_workflows.py."""

from __future__ import annotations

import os
import runpy

tiny = runpy.run_path(os.environ["EDIT_FIRST_TINY_MODELS"])


class TinyModel:
    CATEGORY, FUNCTION = "test", "load"
    INPUT_TYPES = classmethod(lambda cls: {"required": {"family": ("STRING", {"default": "sd15"})}})
    RETURN_TYPES = ("MODEL",)

    def load(self, family):
        return (tiny["build"](family),)


class TinyClip:
    CATEGORY, FUNCTION = "test", "load"
    INPUT_TYPES = classmethod(lambda cls: {"required": {}})
    RETURN_TYPES = ("CLIP",)

    def load(self):
        return (tiny["Clip"](),)


class TinyVae:
    CATEGORY, FUNCTION = "test", "load"
    INPUT_TYPES = classmethod(lambda cls: {"required": {"family": ("STRING", {"default": "sd15"})}})
    RETURN_TYPES = ("VAE",)

    def load(self, family):
        shape = tiny["FAMILIES"][family][2]
        return (tiny["Vae"](shape[0], video=len(shape) == 4),)


class TinyCheckpoint(TinyModel):
    RETURN_TYPES = ("MODEL", "CLIP", "VAE")

    def load(self, family):
        return tiny["build"](family), tiny["Clip"](), tiny["Vae"]()


NODE_CLASS_MAPPINGS = {cls.__name__: cls for cls in (TinyModel, TinyClip, TinyVae, TinyCheckpoint)}
