"""Train, evaluate, reproduce and use MNIST digit classifiers.

The public names load what they need when first used, so that `import mnist_pipeline` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mnist_pipeline.config.recipes import load_config
    from mnist_pipeline.pipeline import evaluate, export, report, train
    from mnist_pipeline.prediction.many import predict_many
    from mnist_pipeline.prediction.predictor import predict, predictor
    from mnist_pipeline.runs.opening import open_run
    from mnist_pipeline.runs.watching import Watcher

__version__ = "0.1.0"
__all__ = [
    "Watcher", "evaluate", "export", "load_config", "open_run", "predict", "predict_many", "predictor", "report",
    "train",
]  # fmt: skip

_HOMES = {  # of those that are not at home in pipeline.py
    "load_config": "config.recipes", "open_run": "runs.opening",
    "predict": "prediction.predictor", "predict_many": "prediction.many", "predictor": "prediction.predictor",
    "Watcher": "runs.watching",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Fetch a public name from the module it lives in."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'pipeline')}"), name)
