"""How fast this is beside plain Keras on the same machine, how well files are read, and what puts a model into it."""
