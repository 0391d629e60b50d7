"""Picture files in, answers out, without TensorFlow: one, many, or a whole page."""
