"""One picture through a saved Keras model, as one would write it without this project."""

import sys

import cv2
import keras

model = keras.saving.load_model(sys.argv[1])
grey = cv2.imread(sys.argv[2], cv2.IMREAD_GRAYSCALE)
scores = model.predict(cv2.resize(grey, (28, 28))[None] / 255, verbose=0)[0]
print(f"{sys.argv[2]}: this is a {scores.argmax()} ({scores.max() / scores.sum():.1%} sure)")
