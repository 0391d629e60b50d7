"""A trained network in forms that leave the framework, each proven equal to it."""
