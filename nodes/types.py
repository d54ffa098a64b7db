"""The types that travel between our nodes; each is a frozen dataclass of the library."""

from comfy_api.latest import io

Zones = io.Custom("EDIT_FIRST_ZONES")  # imaging.zones.Zones
Crop = io.Custom("EDIT_FIRST_CROP")  # imaging.crop.CropPlan
Report = io.Custom("EDIT_FIRST_REPORT")  # checks.report.Report


def report_input():
    """The optional report that a node appends its own findings to."""
    return Report.Input("report", optional=True, tooltip="An earlier report; its findings come first.")
