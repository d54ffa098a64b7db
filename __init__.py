"""Edit First: lock the part of a picture that works, repair the part that does not, and prove both."""

__version__ = "1.1.0"

WEB_DIRECTORY = "./js"


async def comfy_entrypoint():
    """Hand ComfyUI the pack's nodes. The import stays inside: the root module must load without ComfyUI."""
    from .nodes import EditFirstExtension

    return EditFirstExtension()
