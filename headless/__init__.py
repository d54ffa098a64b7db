"""Run the same nodes without ComfyUI: for the demo, continuous integration and gate jobs."""
