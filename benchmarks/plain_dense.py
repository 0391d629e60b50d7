"""Recipe R1 (configs/dense.yaml) through plain Keras fit, as one would write it without this project."""

import argparse
import time
from pathlib import Path

import keras
import tensorflow as tf

from benchmarks.stopwatch import Stopwatch
from mnist_pipeline.data import load

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("folder", type=Path, help="where the model is saved")
parser.add_argument("--epochs", type=int, default=15)
parser.add_argument("--threads", type=int, default=0, help="0: as TensorFlow chooses")
options = parser.parse_args()

tf.config.threading.set_intra_op_parallelism_threads(options.threads)
tf.config.threading.set_inter_op_parallelism_threads(options.threads)
tf.random.set_seed(3)

data = load("mnist")
x_train, y_train = data.train.images.astype("float32") / 255, data.train.labels
x_test, y_test = data.test.images.astype("float32") / 255, data.test.labels

model = keras.Sequential(
    [
        keras.Input((28, 28)),
        keras.layers.Flatten(),
        keras.layers.Dense(50, activation="relu"),
        keras.layers.Dense(50, activation="relu"),
        keras.layers.Dense(10, activation="sigmoid"),
    ]
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])

watch = Stopwatch()
started = time.perf_counter()
model.fit(x_train, y_train, epochs=options.epochs, verbose=2, callbacks=[watch])
fitted = time.perf_counter()
_, accuracy = model.evaluate(x_test, y_test, verbose=2)
evaluated = time.perf_counter()
model.save(options.folder / "plain_dense.keras")

watch.report(fit=fitted - started, evaluate=evaluated - fitted, accuracy=accuracy)
