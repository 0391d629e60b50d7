"""How fast this is beside plain Keras on the same machine, and how well pictures, pages and files are read."""
