"""The schema of a recipe, and how a YAML file becomes a checked, frozen Config."""
