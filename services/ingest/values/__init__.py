"""Cells of text to numbers, times, truth values and identifiers, every cell accounted for."""
