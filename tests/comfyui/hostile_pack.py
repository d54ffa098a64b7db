"""A custom-node pack for a throw-away ComfyUI: hands over tensors that a test has saved. Installed by test_robustness.py."""

from __future__ import annotations

import torch


class AnyType(str):
    """Fits every input."""

    def __ne__(self, other):
        return False


class SavedTensor:
    CATEGORY, FUNCTION = "test", "load"
    INPUT_TYPES = classmethod(lambda cls: {"required": {"path": ("STRING", {}), "key": ("STRING", {})}})
    RETURN_TYPES = (AnyType("*"),)

    def load(self, path, key):
        return (torch.load(path)[key],)


NODE_CLASS_MAPPINGS = {"SavedTensor": SavedTensor}
