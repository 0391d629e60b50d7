"""Recipes: the schema, and how a YAML file becomes a checked, frozen Config."""

from mnist_pipeline.config.loading import find_config, load_config, parse_settings, shipped_configs
from mnist_pipeline.config.schema import CnnModel, Config, DenseModel

__all__ = [
    "CnnModel",
    "Config",
    "DenseModel",
    "find_config",
    "load_config",
    "parse_settings",
    "shipped_configs",
]
