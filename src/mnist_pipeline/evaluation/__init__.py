"""What a trained model is worth: its numbers, its plots and its page."""
