"""Random-weight models small enough for a CPU, built from ComfyUI's own classes. Imported inside ComfyUI only."""

from __future__ import annotations

import hashlib

import comfy.model_patcher
import comfy.supported_models
import torch
import torch.nn.functional as F

CONTEXT = 32  # width of the stand-in text encoder's embeddings

SD15 = {
    "image_size": 32,
    "in_channels": 4,
    "out_channels": 4,
    "model_channels": 32,
    "num_res_blocks": [1, 1],
    "channel_mult": [1, 2],
    "transformer_depth": [1, 1],
    "transformer_depth_output": [1, 1, 1, 1],
    "transformer_depth_middle": 1,
    "use_spatial_transformer": True,
    "context_dim": CONTEXT,
    "use_linear_in_transformer": False,
    "adm_in_channels": None,
    "use_temporal_attention": False,
    "legacy": False,
    "dtype": torch.float32,
}
SD15_INPAINT = {**SD15, "in_channels": 9}  # SDXL Inpainting takes the same: latent, mask, latent without the zone
QWEN_IMAGE = {
    "image_model": "qwen_image",
    "in_channels": 64,
    "out_channels": 16,
    "num_layers": 2,
    "attention_head_dim": 32,
    "num_attention_heads": 2,
    "joint_attention_dim": CONTEXT,
    "axes_dims_rope": (8, 12, 12),
    "dtype": torch.float32,
}
WAN = {
    "image_model": "wan2.1",
    "model_type": "t2v",
    "dim": 48,
    "ffn_dim": 96,
    "freq_dim": 32,
    "text_dim": CONTEXT,
    "num_heads": 4,
    "num_layers": 2,
    "dtype": torch.float32,
}
FLUX = {
    "image_model": "flux",
    "in_channels": 16,
    "out_channels": 16,
    "patch_size": 2,
    "vec_in_dim": 16,
    "context_in_dim": CONTEXT,
    "hidden_size": 64,
    "mlp_ratio": 2.0,
    "num_heads": 2,
    "depth": 1,
    "depth_single_blocks": 1,
    "axes_dim": [8, 12, 12],
    "theta": 10000,
    "qkv_bias": True,
    "guidance_embed": True,
    "txt_ids_dims": [],
    "dtype": torch.float32,
}
FLUX_FILL = {**FLUX, "in_channels": 96}  # sees the picture with the zone cut out, and the mask
FAMILIES = {
    "sd15": (comfy.supported_models.SD15, SD15, (4, 16, 16)),
    "sd15_inpaint": (comfy.supported_models.SD15, SD15_INPAINT, (4, 16, 16)),
    "flux": (comfy.supported_models.Flux, FLUX, (16, 16, 16)),
    "flux_fill": (comfy.supported_models.Flux, FLUX_FILL, (16, 16, 16)),
    "qwen_image": (comfy.supported_models.QwenImage, QWEN_IMAGE, (16, 1, 16, 16)),
    "wan": (comfy.supported_models.WAN21_T2V, WAN, (16, 3, 16, 16)),
}  # configuration class, sizes, shape of one latent


def build(family: str, seed: int = 0) -> comfy.model_patcher.ModelPatcher:
    """A model of a family with random weights."""
    config_class, sizes, _ = FAMILIES[family]
    config = config_class(dict(sizes))
    model = config.get_model({}, device=torch.device("cpu"))
    generator = torch.Generator().manual_seed(seed)
    for name, weight in model.diffusion_model.named_parameters():
        fan_in = weight[0].numel() if weight.ndim > 1 else 0
        noise = torch.randn(weight.shape, generator=generator)
        if fan_in:
            weight.data = 1.5 * noise / fan_in**0.5
        else:  # biases, and the gains of norms
            weight.data = 0.1 * noise + (1.0 if name.endswith(("norm.weight", "scale")) else 0.0)
    model.eval()
    cpu = torch.device("cpu")
    return comfy.model_patcher.ModelPatcher(model, load_device=cpu, offload_device=cpu)


class Clip:
    """A text encoder by lottery: every prompt gets its own random embedding, the same one each time."""

    def tokenize(self, text: str) -> str:
        return text

    def encode_from_tokens_scheduled(self, tokens: str) -> list:
        seed = int.from_bytes(hashlib.sha256(tokens.encode()).digest()[:4], "big")
        generator = torch.Generator().manual_seed(seed)
        words = 2 * torch.randn(1, 8, CONTEXT, generator=generator)
        return [[words, {"pooled_output": torch.randn(1, 16, generator=generator)}]]


class Vae:
    """Latents that are the picture itself, 8 times smaller; decoding is monotone, not exact."""

    def __init__(self, channels: int = 4, video: bool = False):
        self.channels, self.video = channels, video

    def spacial_compression_encode(self) -> int:
        return 8

    def encode(self, pixels: torch.Tensor) -> torch.Tensor:
        planes = F.avg_pool2d(2 * pixels[..., :3].movedim(-1, 1) - 1, 8)
        latent = planes.repeat(1, -(-self.channels // 3), 1, 1)[:, : self.channels]
        return latent.unsqueeze(2) if self.video else latent

    def decode(self, latent: torch.Tensor) -> torch.Tensor:
        planes = latent[:, :3, 0] if latent.ndim == 5 else latent[:, :3]
        planes = F.interpolate(planes, scale_factor=8, mode="nearest")
        # Random weights make latents of any size; the inverse of sinh keeps all of them apart in a picture.
        return ((torch.asinh(planes.movedim(1, -1)) / 8 + 1) / 2).clamp(0, 1)
