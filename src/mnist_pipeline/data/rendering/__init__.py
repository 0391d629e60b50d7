"""Training pictures drawn from MNIST and from strokes, seen through the way of a picture file."""
