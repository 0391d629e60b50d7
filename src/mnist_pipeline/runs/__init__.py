"""A run: the folder that holds a trained model, its numbers and where they came from."""
