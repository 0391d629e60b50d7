"""Config and images in, a trained model and its files out."""
