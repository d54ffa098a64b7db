"""A stand-in for the part of `comfy_api.latest` that our nodes use, installed only where ComfyUI is absent.

It declares and describes nodes as ComfyUI does (`object_info` must be equal, and a test with a real ComfyUI says so).
"""

from __future__ import annotations

import os
import sys
import types
from dataclasses import dataclass, field
from enum import Enum
from importlib.util import find_spec
from pathlib import Path

from . import files, progress_bar


def _without_none(values: dict) -> dict:
    return {key: value for key, value in values.items() if value is not None}


class Input:
    """One input of a node. Every option becomes an entry of its description; `optional` decides the group."""

    io_type = "*"
    options_always: dict = {}  # options that ComfyUI describes even when they are not given
    rename = {
        "dynamic_prompts": "dynamicPrompts",
        "force_input": "forceInput",
        "raw_link": "rawLink",
        "widget_type": "widgetType",
        "display_mode": "display",
    }

    def __init__(self, id: str, *positional, optional: bool = False, extra_dict: dict | None = None, **options):
        if positional:
            options[self.second_argument] = positional[0]
        self.id, self.optional = id, optional
        self.options = {**self.options_always, **options}
        self.extra = extra_dict or {}

    second_argument = "display_name"

    def describe(self) -> dict:
        """The options as `/object_info` shows them."""
        options = {self.rename.get(key, key): _plain(value) for key, value in self.options.items()}
        return _without_none(options) | _without_none(self.extra)


class ComboInput(Input):
    options_always = {"multiselect": False}
    second_argument = "options"

    def __init__(self, id: str, *positional, **options):
        super().__init__(id, *positional, **options)
        choices = self.options.get("options")
        if isinstance(choices, type) and issubclass(choices, Enum):
            self.options["options"] = [choice.value for choice in choices]
        upload = self.options.pop("upload", None)
        if upload is not None:
            self.options[_plain(upload)] = True


class StringInput(Input):
    options_always = {"multiline": False}


class ColorInput(Input):
    options_always = {"default": "#ffffff", "socketless": True}


class BoundingBoxInput(Input):
    options_always = {"default": {"x": 0, "y": 0, "width": 512, "height": 512}, "socketless": True}


class MultiTypeInput(Input):
    """An input that takes links of several types; made from a widget's input it keeps the widget."""

    def __init__(self, id: str | Input, types: list, **options):
        widget = id if isinstance(id, Input) else None
        super().__init__(widget.id if widget else id, optional=widget.optional if widget else False, **options)
        names = [widget.io_type] if widget else []
        self.io_type = ",".join(dict.fromkeys([*names, *(entry.io_type for entry in types)]))
        if widget:
            self.options = {**widget.options, "widget_type": widget.io_type, **options}


@dataclass
class TemplatePrefix:
    """What each entry of a growing input looks like: `<prefix>0`, `<prefix>1`, …"""

    input: Input
    prefix: str
    min: int = 1
    max: int = 10

    def describe(self) -> dict:
        """The template as `/object_info` shows it."""
        entry = {self.input.id: (self.input.io_type, self.input.describe())}
        return {"input": {"required": entry}, "prefix": self.prefix, "min": self.min, "max": self.max}


class AutogrowInput(Input):
    """An input that grows with its links; in a prompt its entries are `<id>.<prefix>0`, `<id>.<prefix>1`, …"""

    io_type = "COMFY_AUTOGROW_V3"

    def __init__(self, id: str, template: TemplatePrefix):
        super().__init__(id)
        self.options = {"template": template.describe()}


def _plain(value):
    return value.value if isinstance(value, Enum) else value


class Output:
    """One output of a node."""

    io_type = "*"

    def __init__(self, id=None, display_name=None, tooltip=None, is_output_list=False):
        self.id, self.display_name = id, display_name or id
        self.tooltip, self.is_output_list = tooltip, is_output_list


def comfy_type(io_type: str, input_class: type[Input] = Input) -> type:
    """A type of the graph, with its `Input` and `Output`."""
    inputs = type("Input", (input_class,), {"io_type": io_type})
    outputs = type("Output", (Output,), {"io_type": io_type})
    return type(io_type, (), {"io_type": io_type, "Input": inputs, "Output": outputs})


class Hidden(str, Enum):
    unique_id = "UNIQUE_ID"
    prompt = "PROMPT"
    extra_pnginfo = "EXTRA_PNGINFO"
    dynprompt = "DYNPROMPT"


class NumberDisplay(str, Enum):
    number = "number"
    slider = "slider"
    gradient_slider = "gradientslider"


class UploadType(str, Enum):
    image = "image_upload"


class FolderType(str, Enum):
    input = "input"
    output = "output"
    temp = "temp"


@dataclass
class Schema:
    """Declaration of a node; the fields are ComfyUI's."""

    node_id: str
    display_name: str | None = None
    category: str = "sd"
    inputs: list = field(default_factory=list)
    outputs: list = field(default_factory=list)
    hidden: list = field(default_factory=list)
    description: str = ""
    search_aliases: list = field(default_factory=list)
    is_input_list: bool = False
    is_output_node: bool = False
    is_deprecated: bool = False
    is_experimental: bool = False
    is_dev_only: bool = False
    is_api_node: bool = False
    not_idempotent: bool = False
    enable_expand: bool = False
    accept_all_inputs: bool = False
    essentials_category: str | None = None
    has_intermediate_output: bool = False

    def __post_init__(self):
        for kind, ports in (("input", self.inputs), ("output", self.outputs)):
            ids = [port.id for port in ports]
            if len(set(ids)) != len(ids):
                raise ValueError(f"{self.node_id}: {kind} ids must be unique, got {ids}")
        if self.is_output_node:
            self.hidden = [*self.hidden, *(h for h in (Hidden.prompt, Hidden.extra_pnginfo) if h not in self.hidden)]

    def input_groups(self) -> dict:
        """Inputs as `{"required": {id: [type, options]}, "optional": …, "hidden": …}`."""
        groups: dict = {"required": {}}
        for entry in self.inputs:
            group = groups.setdefault("optional" if entry.optional else "required", {})
            group[entry.id] = (entry.io_type, entry.describe())
        for hidden in self.hidden:
            groups.setdefault("hidden", {})[hidden.name] = (hidden.value,)
        return groups

    def object_info(self, python_module: str = "nodes") -> dict:
        """The node as `/object_info` shows it."""
        groups = self.input_groups()
        return {
            "input": groups,
            "input_order": {group: list(entries) for group, entries in groups.items()},
            "is_input_list": self.is_input_list,
            "output": [output.io_type for output in self.outputs],
            "output_is_list": [output.is_output_list for output in self.outputs],
            "output_name": [output.display_name or output.io_type for output in self.outputs],
            "output_tooltips": [output.tooltip for output in self.outputs],
            "output_matchtypes": None,
            "name": self.node_id,
            "display_name": self.display_name,
            "description": self.description,
            "python_module": python_module,
            "category": self.category,
            "output_node": self.is_output_node,
            "deprecated": self.is_deprecated,
            "experimental": self.is_experimental,
            "dev_only": self.is_dev_only,
            "api_node": self.is_api_node,
            "price_badge": None,
            "search_aliases": self.search_aliases or None,
            "essentials_category": self.essentials_category,
            "has_intermediate_output": self.has_intermediate_output,
        }


class NodeOutput:
    """What a node returns: its outputs in order, and what it shows."""

    def __init__(self, *args, ui=None, expand=None, block_execution=None):
        self.args, self.ui, self.expand, self.block_execution = args, ui, expand, block_execution

    @property
    def result(self):
        return self.args or None

    def __getitem__(self, index):
        return self.args[index]


class ComfyNode:
    """Base class of nodes; `hidden` is filled in by the runner."""

    hidden = types.SimpleNamespace(unique_id=None, prompt=None, extra_pnginfo=None)

    @classmethod
    def define_schema(cls) -> Schema:
        raise NotImplementedError

    @classmethod
    def GET_SCHEMA(cls) -> Schema:
        return cls.define_schema()

    @classmethod
    def INPUT_TYPES(cls) -> dict:
        return cls.define_schema().input_groups()


class ComfyExtension:
    async def on_load(self) -> None: ...

    async def get_node_list(self) -> list:
        raise NotImplementedError


class ExecutionBlocker:
    """An output that keeps whatever depends on it from running."""

    def __init__(self, message):
        self.message = message


class PreviewImage:
    """Shown in the browser by ComfyUI; here there is nobody to show it to."""

    def __init__(self, image, animated=False, cls=None, **_):
        self.image = image

    def as_dict(self) -> dict:
        return {"images": []}


class PreviewText:
    def __init__(self, value, **_):
        self.value = value

    def as_dict(self) -> dict:
        return {"text": (self.value,)}


class VideoFromFile:
    """ComfyUI's way to load a picture; here for still pictures."""

    def __init__(self, path: str):
        self.path = Path(path)

    def get_components(self) -> types.SimpleNamespace:
        image, mask = files.read_image(self.path)
        has_alpha = mask.shape[1:] == image.shape[1:3] and bool(mask.any())
        return types.SimpleNamespace(images=image, alpha=(1 - mask)[..., None] if has_alpha else None)


SOCKETS = {
    "AnyType": "*", "Image": "IMAGE", "Mask": "MASK", "Latent": "LATENT", "Conditioning": "CONDITIONING", "Clip": "CLIP",
    "Vae": "VAE", "Model": "MODEL", "Sampler": "SAMPLER", "Sigmas": "SIGMAS", "Noise": "NOISE", "Guider": "GUIDER",
    "ControlNet": "CONTROL_NET", "UpscaleModel": "UPSCALE_MODEL", "Layers": "LAYERS", "Video": "VIDEO",
    "Int": "INT", "Float": "FLOAT", "Boolean": "BOOLEAN",
}  # fmt: skip
WIDGETS = {
    "String": ("STRING", StringInput),
    "Combo": ("COMBO", ComboInput),
    "Color": ("COLOR", ColorInput),
    "BoundingBox": ("BOUNDING_BOX", BoundingBoxInput),
}


def _io_module() -> types.ModuleType:
    module = types.ModuleType("comfy_api.latest.io")
    for name, io_type in SOCKETS.items():
        setattr(module, name, comfy_type(io_type))
    for name, (io_type, input_class) in WIDGETS.items():
        setattr(module, name, comfy_type(io_type, input_class))
    for value in (Schema, ComfyNode, NodeOutput, Hidden, NumberDisplay, UploadType, FolderType):
        setattr(module, value.__name__, value)
    module.Custom = comfy_type
    module.MultiType = types.SimpleNamespace(Input=MultiTypeInput)
    module.Autogrow = types.SimpleNamespace(Input=AutogrowInput, TemplatePrefix=TemplatePrefix)
    return module


def get_save_image_path(prefix: str, output: str, width: int = 0, height: int = 0) -> tuple[str, str, int, str, str]:
    """Folder, name, next number, folder inside `output`, and prefix of pictures to be saved, as ComfyUI gives them."""
    folder, name, number = files.next_number(prefix)
    return str(folder), name, number, os.path.dirname(os.path.normpath(prefix)), prefix


def install() -> bool:
    """Put the stand-in into `sys.modules`, unless ComfyUI's own API can be imported; says whether it did."""
    if "comfy_api" in sys.modules or find_spec("comfy_api") is not None:
        return getattr(sys.modules.get("comfy_api"), "is_stand_in", False)
    ui = types.ModuleType("comfy_api.latest.ui")
    ui.PreviewImage, ui.PreviewText = PreviewImage, PreviewText
    latest = types.ModuleType("comfy_api.latest")
    latest.io, latest.ui, latest.ComfyExtension = _io_module(), ui, ComfyExtension
    latest.InputImpl = types.SimpleNamespace(VideoFromFile=VideoFromFile)
    folder_paths = types.ModuleType("folder_paths")
    folder_paths.get_input_directory = lambda: str(files.folders.get().inputs[0])
    folder_paths.get_output_directory = lambda: str(files.folders.get().output)
    folder_paths.get_save_image_path = get_save_image_path
    cli_args = types.ModuleType("comfy.cli_args")
    cli_args.args = types.SimpleNamespace(disable_metadata=False)
    package = types.ModuleType("comfy_api")
    package.latest, package.is_stand_in, package.__path__ = latest, True, []
    graph_utils = types.ModuleType("comfy_execution.graph_utils")
    graph_utils.ExecutionBlocker = ExecutionBlocker
    utils = types.ModuleType("comfy.utils")
    utils.ProgressBar = progress_bar.ProgressBar
    modules = {
        "comfy_api": package,
        "comfy_api.latest": latest,
        "comfy_api.latest.io": latest.io,
        "comfy_api.latest.ui": ui,
        "comfy_execution": types.ModuleType("comfy_execution"),
        "comfy_execution.graph_utils": graph_utils,
        "comfy": types.ModuleType("comfy"),
        "comfy.cli_args": cli_args,
        "comfy.utils": utils,
        "folder_paths": folder_paths,
    }
    sys.modules.update(modules)
    return True
