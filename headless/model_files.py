"""Model files that workflow descriptions name, and the loaders that take them.

A file is what ComfyUI offers to download, and where it puts it.
"""

from __future__ import annotations

File = dict[str, str]  # name, url and directory, as workflow files hold them


def _file(directory: str, repository: str, path: str) -> File:
    """A file of a Hugging Face repository."""
    url = f"https://huggingface.co/{repository}/resolve/main/{path}"
    return {"name": path.rpartition("/")[2], "url": url, "directory": directory}


SDXL = _file("checkpoints", "stabilityai/stable-diffusion-xl-base-1.0", "sd_xl_base_1.0.safetensors")
SDXL_INPAINT = _file(
    "checkpoints", "benjamin-paine/sd-xl-alternative-bases", "sd_xl_base_1.0_inpainting_0.1.safetensors"
)
FLUX = _file("diffusion_models", "Comfy-Org/flux1-dev", "flux1-dev.safetensors")
FLUX_FILL = _file("diffusion_models", "Comfy-Org/flux1-dev", "split_files/diffusion_models/flux1-fill-dev.safetensors")
FLUX_TEXT = [
    _file("text_encoders", "comfyanonymous/flux_text_encoders", name)
    for name in ("clip_l.safetensors", "t5xxl_fp16.safetensors")
]
FLUX_VAE = _file("vae", "Comfy-Org/Lumina_Image_2.0_Repackaged", "split_files/vae/ae.safetensors")
_QWEN = "Comfy-Org/Qwen-Image_ComfyUI"
QWEN = _file("diffusion_models", _QWEN, "split_files/diffusion_models/qwen_image_fp8_e4m3fn.safetensors")
QWEN_EDIT = _file(
    "diffusion_models",
    "Comfy-Org/Qwen-Image-Edit_ComfyUI",
    "split_files/diffusion_models/qwen_image_edit_2509_fp8_e4m3fn.safetensors",
)
QWEN_TEXT = _file("text_encoders", _QWEN, "split_files/text_encoders/qwen_2.5_vl_7b_fp8_scaled.safetensors")
QWEN_VAE = _file("vae", _QWEN, "split_files/vae/qwen_image_vae.safetensors")


def rows(*files: File | list[File]) -> str:
    """Rows of a note's table: links to the files, and the folder they go into."""
    lines = []
    for entry in files:
        group = entry if isinstance(entry, list) else [entry]
        links = ", ".join(f"[{file['name']}]({file['url']})" for file in group)
        lines.append(f"| {links} | models/{group[0]['directory']} |")
    return "\n".join(lines)


def qwen_loaders(graph, file: File, at: tuple[int, int], mode: int) -> tuple:
    """Loader nodes of a Qwen model, its text encoder and its VAE, in a column."""
    x, y = at
    model = graph.node(
        "UNETLoader", "Qwen model", at=at, size=(320, 90), mode=mode, unet_name=file["name"], models=[file]
    )
    clip = graph.node(
        "CLIPLoader",
        "Qwen text encoder",
        at=(x, y + 130),
        size=(320, 110),
        mode=mode,
        clip_name=QWEN_TEXT["name"],
        type="qwen_image",
        models=[QWEN_TEXT],
    )
    vae = vae_loader(graph, "Qwen VAE", QWEN_VAE, (x, y + 280), mode)
    return model, clip, vae


def flux_loaders(graph, name: str, file: File, at: tuple[int, int], mode: int) -> tuple:
    """Loader nodes of a Flux model, its text encoders and its VAE, in a column; `name` begins their titles."""
    x, y = at
    model = graph.node(
        "UNETLoader", f"{name} model", at=at, size=(320, 90), mode=mode, unet_name=file["name"], models=[file]
    )
    clip = flux_text_loader(graph, f"{name} text encoders", (x, y + 130), mode)
    vae = vae_loader(graph, f"{name} VAE", FLUX_VAE, (x, y + 310), mode)
    return model, clip, vae


def flux_text_loader(graph, title: str, at: tuple[int, int], mode: int):
    """Loader node of the text encoders that all Flux models share."""
    return graph.node(
        "DualCLIPLoader",
        title,
        at=at,
        size=(320, 140),
        mode=mode,
        clip_name1=FLUX_TEXT[0]["name"],
        clip_name2=FLUX_TEXT[1]["name"],
        type="flux",
        models=FLUX_TEXT,
    )


def vae_loader(graph, title: str, file: File, at: tuple[int, int], mode: int):
    """Loader node of a VAE."""
    return graph.node("VAELoader", title, at=at, size=(320, 70), mode=mode, vae_name=file["name"], models=[file])
