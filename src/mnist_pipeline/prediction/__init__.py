"""Picture files in, answers out, without TensorFlow: one picture, many, or a whole page."""
