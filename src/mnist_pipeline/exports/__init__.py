"""A trained network in the forms that leave the framework, each proven equal to what it came from."""
