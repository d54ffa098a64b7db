"""Pure pixels: torch in, torch out.

Images (B, 3, H, W) sRGB in [0, 1]; masks (B, 1, H, W) in [0, 1], 1 = may change.
"""
