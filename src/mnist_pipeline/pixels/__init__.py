"""A picture file to the 28x28 pixels that a model sees: the one way, for training and prediction alike."""
