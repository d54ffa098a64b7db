"""Every node explains itself, and its Python defaults are its schema's."""

import inspect
import json
import re
from pathlib import Path

import pytest
from edit_first.headless import runner

ROOT = Path(__file__).resolve().parents[1]
CLASSES = {name: cls for name, cls in runner.node_classes().items() if name.startswith("EditFirst_")}
CONTRACT = {
    "EditFirst_AnchorZoneMask": (
        "image zones outside grow_px feather_px anchor_margin_px anchor_colors color_tolerance edit_mask anchor_mask zones_in",
        "edit_mask:MASK lock_mask:MASK zones:EDIT_FIRST_ZONES preview:IMAGE",
    ),
    "EditFirst_AddZone": ("name role prompt strength mask box zones", "zones:EDIT_FIRST_ZONES"),
    "EditFirst_ZoneMask": ("zones image name", "mask:MASK"),
    "EditFirst_RegionalPrompt": (
        "conditioning clip prompt strength start_percent end_percent feather_px mask zones",
        "conditioning:CONDITIONING",
    ),
    "EditFirst_RegionCrop": (
        "image edit_mask context resize megapixels width height multiple_of context_mask",
        "image:IMAGE mask:MASK crop:EDIT_FIRST_CROP",
    ),
    "EditFirst_RegionStitch": ("original patch crop", "image:IMAGE"),
    "EditFirst_GrainMatch": (
        "image edit_mask strength match_sharpness seed original lock_mask",
        "image:IMAGE report:EDIT_FIRST_REPORT",
    ),
    "EditFirst_SeamFeather": (
        "original edited edit_mask method feather_px lock_mask",
        "image:IMAGE blend_mask:MASK report:EDIT_FIRST_REPORT",
    ),
    "EditFirst_LightingHarmonize": (
        "image edit_mask strength local brand_colors max_delta_e original protect_mask lock_mask report",
        "image:IMAGE report:EDIT_FIRST_REPORT",
    ),
    "EditFirst_CastShadow": (
        "image object_mask light_azimuth_deg light_elevation_deg opacity softness_px contact reflection lock_mask",
        "image:IMAGE shadow_mask:MASK report:EDIT_FIRST_REPORT",
    ),
    "EditFirst_AnchorLock": (
        "original edited align match_color sensitivity edit_mask lock_mask",
        "image:IMAGE edit_mask:MASK aligned:IMAGE report:EDIT_FIRST_REPORT",
    ),
    "EditFirst_EditCheck": (
        "original image edit_mask brand_colors lock_mask report",
        "report:EDIT_FIRST_REPORT heatmap:IMAGE fix_mask:MASK",
    ),
    "EditFirst_MotionCoherenceCheck": (
        "frames edit_mask level still report region_motion",
        "coherent:BOOLEAN score:FLOAT report:EDIT_FIRST_REPORT heatmap:IMAGE fix_mask:MASK",
    ),
    "EditFirst_ComplexityCheck": ("image edit_mask report", "report:EDIT_FIRST_REPORT heatmap:IMAGE advice:STRING"),
    "EditFirst_MotionReadinessCheck": (
        "image level video_model edit_mask subject_mask report",
        "ready:BOOLEAN score:FLOAT report:EDIT_FIRST_REPORT heatmap:IMAGE fix_mask:MASK",
    ),
    "EditFirst_QualityGate": (
        "image report level on_fail",
        "accepted:IMAGE rejected:IMAGE passed:BOOLEAN summary:STRING",
    ),
}


def schemas():
    return [pytest.param(cls, cls.GET_SCHEMA(), id=name) for name, cls in sorted(CLASSES.items())]


@pytest.mark.parametrize("name", sorted(CONTRACT))
def test_contract(name):
    inputs, outputs = CONTRACT[name]
    schema = CLASSES[name].GET_SCHEMA()
    assert [port.id for port in schema.inputs][: len(inputs.split())] == inputs.split()
    assert [f"{port.id}:{port.io_type}" for port in schema.outputs] == outputs.split()
    assert all(port.optional for port in schema.inputs[len(inputs.split()) :]), (
        "what the contract does not name is optional"
    )


@pytest.mark.parametrize(("cls", "schema"), schemas())
def test_every_part_explains_itself(cls, schema):
    assert schema.display_name and schema.category.startswith("Edit First/")
    assert 1 <= len(re.findall(r"[.!?](\s|$)", schema.description)) <= 3
    assert schema.search_aliases
    for port in schema.inputs:
        assert port.options.get("tooltip"), f"input {port.id} has no tooltip"
    for port in schema.outputs:
        assert port.tooltip, f"output {port.id} has no tooltip"
        assert port.display_name == port.id


@pytest.mark.parametrize(("cls", "schema"), schemas())
def test_python_defaults_equal_schema_defaults(cls, schema):
    parameters = inspect.signature(cls.execute).parameters
    assert set(parameters) == {port.id for port in schema.inputs}
    for port in schema.inputs:
        default = parameters[port.id].default
        if port.optional and "default" not in port.options:
            assert default is None, port.id
        elif port.optional and port.options.get("force_input"):
            assert default is None, port.id
        elif "default" in port.options and default is not inspect.Parameter.empty:
            assert default == port.options["default"], port.id


@pytest.mark.parametrize(("cls", "schema"), schemas())
def test_object_info_is_json(cls, schema):
    info = json.loads(json.dumps(schema.object_info()))
    assert info["name"].startswith("EditFirst_") and info["output"]


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_has_a_help_page(name):
    page = ROOT / "js" / "docs" / f"{name}.md"
    assert page.is_file() and len(page.read_text()) > 300
