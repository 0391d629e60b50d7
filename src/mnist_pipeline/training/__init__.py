"""From a config and images to a trained model and its files."""
