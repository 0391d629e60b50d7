"""The schema of a recipe, and how a YAML file becomes a checked, frozen Config.

The names here load what they need when first used: pydantic takes longer to load than a picture takes to read.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mnist_pipeline.config.recipes import find_config, load_config, parse_settings, shipped_configs
    from mnist_pipeline.config.schema import CnnModel, Config, DenseModel

__all__ = ["CnnModel", "Config", "DenseModel", "find_config", "load_config", "parse_settings", "shipped_configs"]


def __getattr__(name: str) -> Any:
    """Fetch a name from the module it lives in."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "schema" if name[0].isupper() else "recipes"
    return getattr(import_module(f"{__name__}.{home}"), name)
