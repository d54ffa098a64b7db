"""Measurement to verdict: every metric has one row in `thresholds.py`."""
