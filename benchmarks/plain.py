"""What this project is compared with: R1, R3 and the reading of one picture, as one writes them with Keras alone.

python -m benchmarks.plain dense FOLDER     recipe R1 (configs/dense.yaml), the model saved into FOLDER
python -m benchmarks.plain cnn FOLDER       recipe R3 (configs/cnn.yaml)
python -m benchmarks.plain predict MODEL PICTURE

Each does what a careful author would do, and prints one line an epoch, not Keras' bar, which would slow it.
"""

import argparse
import json
import time
from pathlib import Path

import keras
import tensorflow as tf
from keras import layers


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
        """Print what was measured as one line of JSON."""
        print(json.dumps({"fit": fit, "epochs": self.epochs, "evaluate": evaluate, "test_accuracy": accuracy}))


def dense(folder: Path, epochs: int) -> None:
    """R1: 784-50-50-10."""
    from mnist_pipeline.data import load

    tf.random.set_seed(3)
    data = load("mnist")
    x_train, y_train = data.train.images.astype("float32") / 255, data.train.labels
    x_test, y_test = data.test.images.astype("float32") / 255, data.test.labels
    model = keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Flatten(),
            layers.Dense(50, activation="relu"),
            layers.Dense(50, activation="relu"),
            layers.Dense(10, activation="sigmoid"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])

    watch = Stopwatch()
    started = time.perf_counter()
    model.fit(x_train, y_train, epochs=epochs, verbose=2, callbacks=[watch])
    fitted = time.perf_counter()
    _, accuracy = model.evaluate(x_test, y_test, verbose=2)
    evaluated = time.perf_counter()
    model.save(folder / "plain_dense.keras")
    watch.report(fit=fitted - started, evaluate=evaluated - fitted, accuracy=accuracy)


def cnn(folder: Path, epochs: int) -> None:
    """R3: three convolutions, early stopping, the best epoch kept."""
    from mnist_pipeline.data import load

    data = load("mnist")
    x_train = data.train.images.reshape(-1, 28, 28, 1).astype("float32") / 255
    x_test = data.test.images.reshape(-1, 28, 28, 1).astype("float32") / 255
    y_train = keras.utils.to_categorical(data.train.labels, 10)
    y_test = keras.utils.to_categorical(data.test.labels, 10)
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(0.001), loss="categorical_crossentropy", metrics=["accuracy"])

    best = folder / "plain_cnn.keras"
    watch = Stopwatch()
    callbacks = [
        keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=3, min_lr=1e-6),
        keras.callbacks.ModelCheckpoint(best, monitor="val_accuracy", save_best_only=True),
        watch,
    ]
    started = time.perf_counter()
    model.fit(x_train, y_train, batch_size=64, epochs=epochs, validation_split=0.2, verbose=2, callbacks=callbacks)
    fitted = time.perf_counter()
    _, accuracy = keras.saving.load_model(best).evaluate(x_test, y_test, verbose=2)
    watch.report(fit=fitted - started, evaluate=time.perf_counter() - fitted, accuracy=accuracy)


def predict(saved: str, picture: str) -> None:
    """The answer for one picture of a model that Keras saved."""
    import cv2

    model = keras.saving.load_model(saved)
    grey = cv2.imread(picture, cv2.IMREAD_GRAYSCALE)
    scores = model.predict(cv2.resize(grey, (28, 28))[None] / 255, verbose=0)[0]  # type: ignore[arg-type]
    print(f"{picture}: this is a {scores.argmax()} ({scores.max() / scores.sum():.1%} sure)")


def main() -> None:
    """Do what the first word says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plain", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name, epochs in (("dense", 15), ("cnn", 20)):
        verb = verbs.add_parser(name)
        verb.add_argument("folder", type=Path, help="where the model is saved")
        verb.add_argument("--epochs", type=int, default=epochs)
        verb.add_argument("--threads", type=int, default=0, help="0: as TensorFlow chooses")
    verb = verbs.add_parser("predict")
    verb.add_argument("model")
    verb.add_argument("picture")
    options = parser.parse_args()
    if options.verb == "predict":
        predict(options.model, options.picture)
        return
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(options.threads)
    {"dense": dense, "cnn": cnn}[options.verb](options.folder, options.epochs)


if __name__ == "__main__":
    main()
