"""Recipe R3 (configs/cnn.yaml) through plain Keras fit, as one would write it without this project."""

import argparse
import time
from pathlib import Path

import keras
import tensorflow as tf
from keras import layers

from benchmarks.stopwatch import Stopwatch
from mnist_pipeline.data import load

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("folder", type=Path, help="where the model is saved")
parser.add_argument("--epochs", type=int, default=20)
parser.add_argument("--threads", type=int, default=0, help="0: as TensorFlow chooses")
options = parser.parse_args()

tf.config.threading.set_intra_op_parallelism_threads(options.threads)
tf.config.threading.set_inter_op_parallelism_threads(options.threads)

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

best = options.folder / "plain_cnn.keras"
watch = Stopwatch()
callbacks = [
    keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True),
    keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=3, min_lr=1e-6),
    keras.callbacks.ModelCheckpoint(best, monitor="val_accuracy", save_best_only=True),
    watch,
]
started = time.perf_counter()
model.fit(x_train, y_train, batch_size=64, epochs=options.epochs, validation_split=0.2, verbose=2, callbacks=callbacks)
fitted = time.perf_counter()
_, accuracy = keras.saving.load_model(best).evaluate(x_test, y_test, verbose=2)

watch.report(fit=fitted - started, evaluate=time.perf_counter() - fitted, accuracy=accuracy)
