"""What the plain scripts measure of themselves, printed as one line of JSON."""

import json
import time

import keras


class Stopwatch(keras.callbacks.Callback):  # type: ignore[misc]
    """Seconds of fit, its compiling included, and of each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.epochs: list[float] = []
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """An epoch lasts from the end of the one before; the first one from the stopwatch's making."""
        self.epochs.append(time.perf_counter() - self.started - sum(self.epochs))

    def report(self, *, fit: float, evaluate: float, accuracy: float) -> None:
        """Print the line."""
        print(json.dumps({"fit": fit, "epochs": self.epochs, "evaluate": evaluate, "test_accuracy": accuracy}))
