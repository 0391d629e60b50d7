"""A run folder: its files, who may write to it, and what the result came from."""
