"""Ordered data sets from a refined model: whole machine lives, or continuous series, with the structure of time."""
