"""A whole page to its digits in reading order: ink, pieces, cuts, the model's choice among them, lines."""
