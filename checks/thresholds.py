"""The one table of limits. A reader must be able to disagree with a single line."""

from __future__ import annotations

from dataclasses import dataclass

LEVELS = ("good enough", "production")
VERDICTS = ("pass", "warn", "fail")  # from best to worst


@dataclass(frozen=True)
class Threshold:
    """Limits of one metric. A value on the limit still meets it."""

    metric: str
    unit: str
    better: str  # "lower" or "higher"
    good_enough: float | None  # None: shown, never judged
    production: float | None
    worst: str  # the worst verdict this metric may give: "fail", or "warn" where a miss may be intended
    fix: str  # display name of the node that fixes it
    meaning: str  # what is measured, in one sentence
    source: str  # where the limits come from

    def limit(self, level: str) -> float | None:
        """The limit at a level."""
        return self.good_enough if level == "good enough" else self.production

    def meets(self, value: float, level: str) -> bool:
        """Whether a value meets the limit of a level."""
        limit = self.limit(level)
        return limit is None or (value <= limit if self.better == "lower" else value >= limit)

    def verdict(self, value: float | None, level: str) -> str:
        """Pass, warn or fail at a level.

        At "production" a value that is only good enough is a warning. A value that is missing passes: the metric did
        not apply, and the report says why.
        """
        if level not in LEVELS:
            raise ValueError(f"level is '{level}'; choose one of {', '.join(LEVELS)}")
        if value is None or self.meets(value, level):
            return "pass"
        return "warn" if self.meets(value, "good enough") else self.worst


THRESHOLDS = (
    Threshold(
        "anchor_changed_px", "px", "lower", 0, 0, "fail", "Anchor Lock",
        "Number of locked pixels whose 8-bit value differs from the original's.",
        "definition: an anchor is copied, never re-encoded",
    ),
    Threshold(
        "anchor_max_error", "8-bit levels", "lower", 0, 0, "fail", "Anchor Lock",
        "Largest change of a locked pixel in any channel.",
        "definition: an anchor is copied, never re-encoded",
    ),
    Threshold(
        "edit_changed_fraction", "fraction", "higher", None, None, "warn", "",
        "Share of the editable pixels that changed by more than one 8-bit level.",
        "shown for information",
    ),
    Threshold(
        "brand_delta_e00", "CIEDE2000", "lower", 4, 2, "fail", "Lighting Harmonize",
        "Distance of a brand color from the median of the pixels that are meant as it.",
        "brand owners commonly ask for at most 2; ISO 12647-2 tolerates 3.5 to 5 in print",
    ),
    Threshold(
        "recolor_delta_e00", "CIEDE2000", "lower", 4, 2, "fail", "SKU Recolor",
        "Distance of a recolored surface's diffuse mid-tones from the color asked for.",
        "brand owners commonly ask for at most 2; ISO 12647-2 tolerates 3.5 to 5 in print",
    ),
    Threshold(
        "grain_log2_ratio", "doublings", "lower", 0.8, 0.6, "warn", "Grain Match",
        "How much stronger or weaker grain is than the original's where the edit shows the same, else than around it at like structure.",
        "benchmarks/edit_check.py, clean edits of the tuning half: 95 % read at most 0.391, 98 % at most 0.459; of the other half's patches without the plate's grain 95 % are found at 5 % false alarms, 82 % beyond this limit",
    ),
    Threshold(
        "sharpness_log2_ratio", "doublings", "lower", 1.2, 0.85, "warn", "Grain Match",
        "How much fine detail the edit lost or won against its contrast: of the original's where it shows the same, else of what surroundings have at like structure.",
        "benchmarks/edit_check.py, clean edits of the tuning half: 95 % read at most 0.555, 98 % at most 0.724; of the other half's patches blurred by 1 px 95 % are found at 5 % false alarms, 80 % beyond this limit",
    ),
    Threshold(
        "seam_step", "OKLab x 100", "lower", 0.8, 0.4, "fail", "Seam Feather",
        "Step across the edit's border beyond the original's own, root mean square over pieces of 16 px.",
        "benchmarks/edit_check.py, clean edits of the tuning half: 95 % read at most 0.222, all 0.362; of the other half, all tone steps of 2 CIELAB that can be measured fail when hard and 92 % when feathered over 6 px, the rest warn",
    ),
    Threshold(
        "seam_step_before", "OKLab x 100", "lower", None, None, "warn", "",
        "The same step if the edit had been pasted without blending.",
        "shown for information",
    ),
    Threshold(
        "seam_detail_ratio", "ratio", "higher", 0.75, 0.9, "warn", "Grain Match",
        "Fine detail within 12 px of the edit's border, relative to the original's; less is a blurred band or a ghost.",
        "benchmarks/edit_check.py, the 21 pictures of the tuning half whose masks cross what goes on: noise, JPEG 95, other grain and blends read at least 0.943; of 25 others, a band of 12 px blurred by 0.5 px warns in 80 %, by 0.7 px in all",
    ),
    Threshold(
        "drift_shift_px", "px", "lower", None, None, "warn", "",
        "How far the edit model moved the center of the frame; undone.",
        "shown for information",
    ),
    Threshold(
        "drift_scale_percent", "%", "lower", None, None, "warn", "",
        "How much larger the edit model drew the frame; undone.",
        "shown for information",
    ),
    Threshold(
        "drift_rotation_deg", "degrees", "lower", None, None, "warn", "",
        "How far the edit model turned the frame, clockwise positive; undone.",
        "shown for information",
    ),
    Threshold(
        "drift_color_delta_e00", "CIEDE2000", "lower", None, None, "warn", "",
        "Median color difference of unchanged pixels before the match.",
        "shown for information",
    ),
    Threshold(
        "registration_residual_px", "px", "lower", 0.5, 0.25, "warn", "Anchor Lock",
        "Median motion left on unchanged texture after alignment.",
        "docs/benchmarks/lock.md: true error 0.035 px at the 95th percentile; half a pixel doubles an edge",
    ),
    Threshold(
        "color_residual_delta_e00", "CIEDE2000", "lower", 3, 1.5, "warn", "Anchor Lock",
        "Median color difference of unchanged pixels after the match.",
        "docs/benchmarks/lock.md: 2.33 before, 0.83 after the match; a difference of 1 is just visible",
    ),
    Threshold(
        "lock_changed_fraction", "fraction of the frame", "lower", None, None, "warn", "",
        "Share of the frame that the edit mask leaves to the edited picture.",
        "shown for information",
    ),
    Threshold(
        "edit_spill_fraction", "fraction of the frame", "lower", 0.01, 0, "warn", "Anchor Lock",
        "Share of the frame that the model changed outside what may change; put back, but an edit may be cut in two.",
        "definition: nothing outside the edit mask may change",
    ),
    Threshold(
        "light_exposure_ev", "EV", "lower", 0.5, 0.2, "warn", "Lighting Harmonize",
        "Exposure of a region against the original's, or against its surroundings where there is no original.",
        "benchmarks/edit_check.py, clean edits of the tuning half: 95 % read at most 0.061, 98 % 0.098, all 0.186; of the other half, 91 % of the regions off by 0.25 EV are over, 99 % of those off by 0.5",
    ),
    Threshold(
        "light_white_balance_ev", "EV, red over blue", "lower", 0.7, 0.2, "warn", "Lighting Harmonize",
        "Warmth of a region against the original's, or against its surroundings where there is no original.",
        "benchmarks/edit_check.py, clean edits of the tuning half: 98 % read at most 0.032, all 0.059; of the other half, all regions off by 0.35 EV that can be measured, 49 %, are over",
    ),
    Threshold(
        "light_contrast_ratio", "ratio", "lower", 1.5, 1.1, "warn", "Lighting Harmonize",
        "Spread of light in a region against the original's or its surroundings'; 1 = equal.",
        "benchmarks/edit_check.py, clean edits of the tuning half: 95 % read at most 1.04, 98 % 1.07, all 1.12; of the other half, 81 % of the regions with 15 % more or less contrast are over, 97 % of those with half as much again",
    ),
    Threshold(
        "light_direction_deg", "degrees", "lower", None, None, "warn", "Cast Shadow",
        "Angle between the light on a region's rim and the shading of its surroundings.",
        "shown for information: synthetic scenes read under 10 for equal and over 150 for opposite light, but photographs are too few to judge by",
    ),
    Threshold(
        "harmony_confidence", "fraction", "higher", None, None, "warn", "",
        "How sure the light correction is: 0 = nothing was done, 1 = read off pixels with a known answer.",
        "shown for information",
    ),
    Threshold(
        "brand_shift_delta_e00", "CIEDE2000", "lower", 4, 2, "fail", "SKU Swap",
        "How far a brand color of the product moved on its way into the scene, median against median.",
        "brand owners commonly ask for at most 2; ISO 12647-2 tolerates 3.5 to 5 in print",
    ),
    Threshold(
        "product_scale", "px per px", "higher", 0.5, 1, "warn", "",
        "Pixels of the product's picture for every pixel it fills; below 1 it is enlarged and looks soft.",
        "definition: below 1 no detail is left to show",
    ),
    Threshold(
        "clip_drift_percent", "% of width", "lower", 0.5, 0.1, "fail", "",
        "How far the region has certainly slid against its surroundings since the first frame, in a scene that moves as one.",
        "docs/benchmarks/coherence.md: of 234 clean clips of the tuning half one reads more; 0.1 is two thirds of a pixel at 640, 0.5 three",
    ),
    Threshold(
        "clip_parallax_drift_percent", "% of width", "lower", 0.5, 0.1, "warn", "",
        "The same where the surroundings do not move as one, their depth taken off as far as it goes on at the border.",
        "as clip_drift_percent; only warns, because what stands before its background parts from it without a defect",
    ),
    Threshold(
        "clip_slip_percent", "% of width", "lower", 0.6, 0.1, "fail", "",
        "Largest certain jump of the region against its surroundings from one frame to the next.",
        "docs/benchmarks/coherence.md: of 234 clean clips of the tuning half one reads more; a jump of 1 px at 640 reads 0.15",
    ),
    Threshold(
        "clip_flicker_levels", "8-bit levels", "lower", 1.7, 0.3, "fail", "",
        "Quick changes of the region's brightness that its surroundings do not share, root mean square over 9 frames.",
        "docs/benchmarks/coherence.md: fails beyond every clean clip of the tuning half; a trembling gain of 0.5 % reads 0.55",
    ),
    Threshold(
        "clip_boil_levels", "8-bit levels", "lower", 4.0, 1.3, "fail", "",
        "Fine texture that is redrawn in every frame, beyond that of equally busy surroundings.",
        "docs/benchmarks/coherence.md: fails beyond every clean clip of the tuning half, of which 1 % warn; texture redrawn with 4 levels reads 2",
    ),
    Threshold(
        "clip_morph_percent", "% of width", "lower", 0.2, 0.06, "warn", "",
        "How far parts of the region have certainly moved by themselves since the first frame, beyond a common drift.",
        "docs/benchmarks/coherence.md: 3 % of the clean clips of the tuning half read more, as compressed; only warns, a turning object bends too",
    ),
    Threshold(
        "clip_flash_lightness", "L*", "lower", 3.0, 1.5, "fail", "",
        "Lightness of a frame against the median of the 7 frames around it.",
        "docs/benchmarks/coherence.md: a slow change of light by 8 % reads 1.2, one frame brighter by 5 % 2",
    ),
    Threshold(
        "clip_first_frame_delta_e00", "CIEDE2000", "lower", 3.0, 1.5, "warn", "",
        "Color jump from the first frame to the second, beyond that of the next frames.",
        "docs/benchmarks/coherence.md: a slow change of light by 8 % reads 0.8, a first frame brighter by 5 % 1.9",
    ),
    Threshold(
        "clip_color_delta_e00", "CIEDE2000", "lower", 8.0, 4.0, "warn", "",
        "Median change of color outside the region, against the approved still or the first frame.",
        "docs/benchmarks/coherence.md: a slow change of light by 8 % reads up to 3.8, which may be meant; only warns",
    ),
    Threshold(
        "clip_region_color_delta_e00", "CIEDE2000", "lower", 4.0, 2.0, "fail", "",
        "Change of the region's mean color that its surroundings do not share, against the still or the first frame.",
        "brand owners commonly ask for at most 2; clean clips read less (docs/benchmarks/coherence.md)",
    ),
    Threshold(
        "clip_followed_fraction", "fraction of the frames", "higher", 0.5, 0.95, "warn", "",
        "Frames in which the surroundings could be matched with the frame before; the others were not judged.",
        "definition: what was not followed was not checked",
    ),
    Threshold(
        "clip_rigidity_percent", "% of width", "lower", None, None, "warn", "",
        "Motion of the surroundings that one camera motion does not explain, 75th percentile.",
        "shown for information; above 0.1 drift can only warn",
    ),
    Threshold(
        "clip_motion_percent", "% of width per frame", "lower", None, None, "warn", "",
        "Fastest motion in the frame, 95th percentile.",
        "shown for information: a clip that hardly moves is no defect by itself",
    ),
    Threshold(
        "anchor_p999_error", "8-bit levels", "lower", None, None, "warn", "",
        "Change that 99.9 % of the locked pixels stay below, in any channel.",
        "shown for information: any change at all fails `anchor_changed_px`",
    ),
    Threshold(
        "anchor_changed_fraction", "fraction", "lower", None, None, "warn", "",
        "Share of the locked pixels that differ from the original's.",
        "shown for information: any change at all fails `anchor_changed_px`",
    ),
    Threshold(
        "mask_spill_fraction", "fraction of the frame", "lower", 0.001, 0, "warn", "Anchor Lock",
        "Share of the frame, joined to the edit, that visibly changed past the edit mask.",
        "definition: nothing outside the edit mask may change; up to 0.1 % is a rim",
    ),
    Threshold(
        "seam_rim", "CIELAB", "lower", None, None, "warn", "",
        "Change left just inside the edit's border, where the picture goes on across it; a finished edit fades to none.",
        "shown for information",
    ),
    Threshold(
        "halo_lightness", "L*", "lower", 3, 1.5, "warn", "Seam Feather",
        "Light or dark fringe along the edit's border that is neither the original nor the edit.",
        "benchmarks/edit_check.py, clean edits of the tuning half: 95 % read at most 0.026, 98 % at most 0.058; of the other half's rims of 1 px with 40 % of white or black 97 % are beyond this limit",
    ),
    Threshold(
        "edit_shift_px", "px", "lower", 4, 1.5, "warn", "Anchor Lock",
        "How far the region shows the original's content displaced.",
        "benchmarks/edit_check.py, clean edits of the tuning half: 95 % read at most 0, 98 % at most 0; a texture moved by 5.8 px reads 5.8",
    ),
    Threshold(
        "edit_effect_delta_e", "CIELAB", "higher", None, None, "warn", "",
        "Visible change that 5 % of the editable pixels exceed.",
        "shown for information",
    ),
    Threshold(
        "border_structure", "CIELAB per 0.1 % of the side", "lower", 4, 2.7, "warn", "",
        "How much visible structure lies just inside the edit mask's border, where new must go on from what stays.",
        "benchmarks/complexity.py at 768 px: a third of the tuning half's regions read over 2.7, a seventh over 4; rank correlation with the FLIP of a standard imperfect edit on the verifying half 0.88 (0.78 to 0.94), blobs 0.93, objects 0.83",
    ),
    Threshold(
        "border_bridge_delta_e", "CIELAB", "lower", None, None, "warn", "",
        "Error of filling a band around the edit mask's border from both sides.",
        "shown for information: an object's own edge near the border reads much, though it need not be redrawn",
    ),
    Threshold(
        "border_strand_fraction", "fraction", "lower", 0.45, 0.3, "warn", "",
        "Share of the edit mask's border that thin lines such as hair cross.",
        "benchmarks/complexity.py at 768 px: a quarter of the regions read over 0.25, one in twenty over 0.44",
    ),
    Threshold(
        "mask_translucent_fraction", "fraction", "lower", 0.15, 0.05, "warn", "",
        "Share of the edit mask that is soft over a width no feather has: glass, smoke, veils.",
        "definition: wider than 1.5 % of the frame; a mask's area, not the picture, is judged",
    ),
    Threshold(
        "reflection_correlation", "correlation", "lower", None, None, "warn", "",
        "How much what lies below the region looks like its mirror image; high needs a new reflection, too.",
        "shown for information",
    ),
    Threshold(
        "mask_size_px", "px", "higher", 32, 64, "warn", "Crop to Region",
        "Shorter side of the edit at a model's size of 1024 px; with less there is nothing to draw on.",
        "definition: 64 px are 8 px of a latent",
    ),
    Threshold(
        "mask_area_fraction", "fraction", "lower", 0.6, 0.35, "warn", "",
        "Share of the frame that is to change.",
        "practice: beyond a third of the frame, generating anew keeps as much",
    ),
    Threshold(
        "mask_parts", "parts", "lower", None, None, "warn", "",
        "Separate parts of the edit mask.",
        "shown for information",
    ),
    Threshold(
        "mask_frame_contact", "fraction", "lower", None, None, "warn", "",
        "Share of the frame's border that the edit mask touches; there nothing tells how the picture goes on.",
        "shown for information",
    ),
    Threshold(
        "mask_raggedness", "ratio", "lower", None, None, "warn", "",
        "Length of the mask's border squared over that of a disc of equal area; 1 = a disc.",
        "shown for information",
    ),
    Threshold(
        "intake_side_excess_px", "px", "lower", 0, 0, "fail", "Resize Image/Mask",
        "How many px a side is shorter or longer than the video service takes.",
        "ComfyUI 0.33.0, comfy_api_nodes: the service refuses it",
    ),
    Threshold(
        "intake_aspect_excess", "to 1", "lower", 0, 0, "fail", "Crop to Region",
        "How much longer and narrower the still is than the video service takes.",
        "ComfyUI 0.33.0, comfy_api_nodes: the service refuses it",
    ),
    Threshold(
        "intake_size_remainder_px", "px", "lower", 0, 0, "fail", "",
        "Px of the canvas beyond a multiple of what the video model's latent grid takes.",
        "ComfyUI 0.33.0, comfy_extras: what is over is cut off without a word",
    ),
    Threshold(
        "intake_length_remainder", "frames", "lower", 0, 0, "fail", "",
        "Frames of the clip beyond what the video model's latent grid takes.",
        "ComfyUI 0.33.0, comfy_extras: what is over is cut off without a word",
    ),
    Threshold(
        "intake_crop_fraction", "fraction of the frame", "lower", 0.35, 0.2, "warn", "Crop to Region",
        "Share of the still that the video node cuts off to fill its canvas.",
        "framing that was approved is lost; 4:3 on 16:9 loses 0.25, 3:2 loses 0.16, a square 0.44",
    ),
    Threshold(
        "intake_cut_fraction", "fraction of the mask", "lower", 0.1, 0.02, "fail", "Crop to Region",
        "Share of the subject or of the edit that the video node cuts off.",
        "what was masked is what matters; 2 % are a soft rim",
    ),
    Threshold(
        "intake_stretch_percent", "%", "lower", 4, 1.5, "fail", "Crop to Region",
        "How much one side is stretched over the other on the way into the model.",
        "a circle out of round by 2 % is seen beside a true one; centered cropping rounds to at most 1 px",
    ),
    Threshold(
        "intake_scale", "px per px", "higher", 0.5, 0.75, "warn", "",
        "Pixels of the still for every pixel of the video model's canvas; below 1 it is enlarged.",
        "a choice: benchmarks/motion.py finds stills enlarged twice to be soft (AUC 0.96)",
    ),
    Threshold(
        "intake_aliasing_db", "dB", "higher", 22, 28, "warn", "Resize Image/Mask",
        "How near the node's resize without a filter comes to a filtered one (peak signal-to-noise ratio).",
        "a choice: at 27 dB stones and leaves look harsher beside the filtered canvas, at 36 dB nothing shows",
    ),
    Threshold(
        "intake_transparent_fraction", "fraction of the frame", "lower", 0, 0, "warn", "",
        "Share of the still that is transparent; video nodes drop alpha and show the colors under it.",
        "ComfyUI 0.33.0: image[..., :3] goes into the VAE",
    ),
    Threshold(
        "focus_edge_px", "px of the canvas", "lower", 1.2, 1, "fail", "",
        "Blur of the sharpest sixth of the strong edges, as the standard deviation of the blur of an ideal step.",
        "benchmarks/motion.py: 98 % of 195 clean stills read at most 1.03, all 1.14; of 39 others, blurred by 1.5 px 95 % are over, by 2 px all",
    ),
    Threshold(
        "subject_edge_px", "px of the canvas", "lower", 2, 1.42, "warn", "Grain Match",
        "The same blur within the subject or the edit.",
        "benchmarks/motion.py: 98 % of 297 clean edits read at most 1.41; a warning at most, for what is out of focus is soft on purpose",
    ),
    Threshold(
        "ringing_overshoot", "fraction of the edge's contrast", "lower", 0.4, 0.3, "warn", "",
        "How far the profile of isolated edges swings beyond both plateaus: halos of sharpening.",
        "benchmarks/motion.py: 98 % of 193 clean stills read at most 0.26, all 0.29; of 39 others, sharpened by 200 % at 2 px 56 % are over",
    ),
    Threshold(
        "jagged_edge_energy", "fraction", "lower", 0.24, 0.18, "fail", "Resize Image/Mask",
        "Share of the gradient of oblique edges that runs along them: stairs of enlarged or unfiltered pixels.",
        "benchmarks/motion.py: 98 % of 190 clean stills read at most 0.17, all 0.23; of 39 others, with doubled pixels 92 % are over",
    ),
    Threshold(
        "floating_specks", "specks", "lower", 3, 1, "warn", "Crop to Region",
        "Small round spots that stand alone on a calm ground; with an edit mask, those within the edit.",
        "benchmarks/motion.py: 98 % of 195 clean stills have at most 1, all 3; of 39 others, with 3 specks 36 % are over, with 8 62 %; a warning at most, for drops and stars are specks, too",
    ),
    Threshold(
        "burnt_fraction", "fraction of the frame", "lower", 0.35, 0.17, "warn", "",
        "Share of the frame in connected areas of full white that are no backdrop.",
        "benchmarks/motion.py: 98 % of 195 clean stills read at most 0.17; of 39 others, overexposed by 2 EV 39 % are over",
    ),
    Threshold(
        "banded_fraction", "fraction of the frame", "lower", 0.1, 0.02, "warn", "Grain Match",
        "Share of the frame in which gradients have fallen into flat bands.",
        "benchmarks/motion.py: 98 % of 195 clean stills read at most 0.007; of 39 others, at 16 levels 56 % are over",
    ),
    Threshold(
        "blockiness_excess", "ratio", "lower", 0.8, 0.4, "warn", "",
        "How much stronger steps between blocks of 8 px are than those within: compression.",
        "benchmarks/motion.py: 98 % of 195 clean stills (JPEG 95 among them) read at most 0.13, all 0.41; of 39 others, as JPEG 40 74 % are over",
    ),
    Threshold(
        "matte_fragments", "parts", "lower", 0, 0, "fail", "Anchor-Zone Mask",
        "Small parts of the subject's mask beside the subject.",
        "definition: exact connected parts of 4 px or more on the canvas, under 36 px or 0.2 % of the subject",
    ),
    Threshold(
        "matte_holes", "parts", "lower", 0, 0, "fail", "Anchor-Zone Mask",
        "Small holes of the subject's mask within the subject.",
        "definition: exact connected parts of 4 px or more on the canvas, under 36 px or 0.2 % of the surroundings",
    ),
    Threshold(
        "matte_ragged_px", "px of the canvas", "lower", 1.5, 1.1, "warn", "Anchor-Zone Mask",
        "Distance of the subject's outline from itself smoothed by 3 px, root mean square.",
        "benchmarks/motion.py: 98 % of 20 clean mattes read at most 1.08; of 20 others, torn by 3 px all are over",
    ),
    Threshold(
        "matte_soft_px", "px of the canvas", "lower", None, None, "warn", "",
        "Width of the ramp between subject and surroundings.",
        "shown for information: hair is soft on purpose",
    ),
    Threshold(
        "subject_border_fraction", "fraction of a side", "lower", None, None, "warn", "",
        "How much of one of the frame's sides the subject touches; what is cut has less room to move.",
        "shown for information: a close-up is cut on purpose as often as not",
    ),
    Threshold(
        "outline_halo", "CIE L*", "lower", 6, 3, "warn", "Seam Feather",
        "Lightness of the rim around a subject or an edit beyond what lies on either side of it, median.",
        "benchmarks/motion.py: 98 % of 308 clean edits read at most 0.02, all 0.37; of 78 others, a rim of 3 px is over in 93 %; a warning at most, for rim light is a halo, too",
    ),
    Threshold(
        "blind_seam_step", "standard errors", "lower", 16, 8, "warn", "Seam Feather",
        "How surely the picture steps right at the edit's border, the same way all along it, where no original tells.",
        "benchmarks/motion.py: 312 clean edits read at most 3.2, 156 within exact outlines 7.3; of 39 others, 4 lighter (OKLab x 100) 92 % are over, within an object 62 %",
    ),
    Threshold(
        "blind_grain", "doublings", "lower", 0.6, 0.48, "warn", "Grain Match",
        "How much stronger or weaker the edit's grain is than that around it, in flat parts, where no original tells.",
        "benchmarks/motion.py: 99 % of 276 clean edits read at most 0.48, all 0.59; of 39 others, with grain of 4/255 64 % are over, within an object 85 %",
    ),
    Threshold(
        "blind_sharpness", "doublings", "lower", 1.1, 0.56, "warn", "Grain Match",
        "How much softer the edit is than its surroundings at like structure, where no original tells; sharper counts half.",
        "benchmarks/motion.py: 98 % of 308 clean edits read at most 0.56, all 1.09; of 39 others, blurred by 1 px 62 % are over, by 2 px 77 %",
    ),
    Threshold(
        "shadow_confidence", "fraction", "higher", None, None, "warn", "",
        "How sure the light of a cast shadow is: 1 = as set or read off a shadow that explains the picture, 0 = nothing found.",
        "shown for information",
    ),
)  # fmt: skip

_BY_METRIC = {row.metric: row for row in THRESHOLDS}


def threshold(metric: str) -> Threshold:
    """The table's row for a metric.

    Raises:
        KeyError: no such metric; every metric must have a row.
    """
    return _BY_METRIC[metric]


def to_markdown() -> str:
    """The table as a page, `docs/checks.md`."""
    lines = [
        "# What the checks measure",
        "",
        "Printed from `checks/thresholds.py` by `python . thresholds`; edit the table, not this page.",
        "",
        "A value that meets the production limit passes. At level `production` a value that is only good enough is a",
        "warning, and one beyond that gets the worst verdict its row allows. At level `good enough` only the looser limit",
        "counts.",
        "",
        "| metric | measures | unit | good enough | production | worst | fixed with | source |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in THRESHOLDS:
        limits = [_limit_text(row, level) for level in LEVELS]
        cells = (f"`{row.metric}`", row.meaning, row.unit, *limits, row.worst, row.fix or "-", row.source)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _limit_text(row: Threshold, level: str) -> str:
    limit = row.limit(level)
    return "-" if limit is None else f"{'≤' if row.better == 'lower' else '≥'} {limit:g}"
