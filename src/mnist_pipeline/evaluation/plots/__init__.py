"""Plots as PNG files: each function takes arrays and a path, and gives the same bytes for the same input."""
