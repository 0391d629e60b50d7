"""What a trained model is worth: its numbers, its report and its plots."""
