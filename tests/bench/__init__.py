"""Measurements, as one JSON object: `python -m tests.bench`. Nothing in here asserts how fast anything is."""
