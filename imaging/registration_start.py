"""A first registration, good to about a pixel: coarse to fine from the identity, else from a global search."""

from __future__ import annotations

import cv2
import numpy as np

from .frame_pair import FramePair, normalize
from .homography import plausible, scaling, unit
from .lucas_kanade import refine

ALIKE, ALIKE_SHARE = 0.8, 0.25  # a start is right when this share of the windows correlates this well


def estimate(pair: FramePair, model: str) -> tuple[np.ndarray, str]:
    """The best registration of a model over several starts, in px of the pair's grid."""
    best = _descend(pair, np.eye(3), model, len(pair.levels) - 1)
    correlation = pair.correlations(best)
    score = float(correlation.clip(0, 1).mean()) if len(correlation) else 0.0
    if not len(correlation) or (correlation > ALIKE).mean() < ALIKE_SHARE:  # not clearly right: try other starts
        for start in (_phase_start(pair), _sift_start(pair)):
            if start is None:
                continue
            other = _descend(pair, start, model, min(2, len(pair.levels) - 1))
            other_score = pair.agreement(other)
            if other_score > score + 0.01:
                best, score = other, other_score
    return best, model


def _descend(pair: FramePair, matrix: np.ndarray, model: str, first: int) -> np.ndarray:
    """Coarse to fine from a start; few parameters while the motion is large."""
    for index in range(first, min(1, first) - 1, -1):
        grid = scaling(pair.template.shape[::-1], pair.levels[index][0].shape[::-1])
        local = unit(grid @ matrix @ np.linalg.inv(grid))
        if index == first:
            local = refine(pair.levels[index], local, "shift", 15, near=False)
        if model != "shift":
            local = refine(pair.levels[index], local, "similarity", 12, near=False)
        if index < max(first - 1, 2):
            local = refine(pair.levels[index], local, model, 12, near=False)
        matrix = unit(np.linalg.inv(grid) @ local @ grid)
        if not plausible(matrix, pair.template.shape[::-1]):
            return np.eye(3)
    return matrix


def _phase_start(pair: FramePair) -> np.ndarray:
    """A shift by phase correlation of the second level."""
    index = min(1, len(pair.levels) - 1)
    template, moving, usable = pair.levels[index]
    window = cv2.createHanningWindow(template.shape[::-1], cv2.CV_32F)
    (dx, dy), _ = cv2.phaseCorrelate(template * usable, moving * usable, window)
    matrix = np.eye(3)
    matrix[:2, 2] = np.array((dx, dy)) * pair.template.shape[1] / template.shape[1]
    return matrix


def _sift_start(pair: FramePair) -> np.ndarray | None:
    """A similarity by SIFT matches and RANSAC, or None where too few points match."""
    images = [_to_8bit(normalize(image)) for image in (pair.template, pair.moving)]
    sift = cv2.SIFT_create(3000)
    (points, found), (moved_points, moved_found) = (sift.detectAndCompute(image, None) for image in images)
    if found is None or moved_found is None or min(len(points), len(moved_points)) < 8:
        return None
    matches = cv2.BFMatcher().knnMatch(found, moved_found, k=2)
    good = [m[0] for m in matches if len(m) == 2 and m[0].distance < 0.8 * m[1].distance]
    good = [m for m in good if pair.usable[tuple(int(c) for c in points[m.queryIdx].pt[::-1])]]
    if len(good) < 8:
        return None
    a = np.float32([points[m.queryIdx].pt for m in good])
    b = np.float32([moved_points[m.trainIdx].pt for m in good])
    matrix, inliers = cv2.estimateAffinePartial2D(a, b, method=cv2.RANSAC, ransacReprojThreshold=2.0)
    if matrix is None or inliers.sum() < 8:
        return None
    return np.vstack((matrix, (0, 0, 1)))


def _to_8bit(normalized: np.ndarray) -> np.ndarray:
    return (np.clip(normalized / 5 + 0.5, 0, 1) * 255).astype(np.uint8)
