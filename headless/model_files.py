"""Model files that workflow descriptions name: what ComfyUI offers to download, and where it puts them."""

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
