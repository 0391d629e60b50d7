"""A picture file to 28x28, the one way for every picture."""
