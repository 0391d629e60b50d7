"""Recipes as text, and what tests of them share."""

from collections.abc import Callable
from pathlib import Path

MINIMAL = "name: small\nmodel: {family: dense}\ntraining: {epochs: 1}\n"
FULL = """\
name: full-1
description: "Everything said: ü, 五 and no"
data:
  source: some/folder
  validation: 0.2
  split_seed: 7
model:
  family: cnn
  convolutions:
    - {filters: 32, kernel: 3, batch_norm: true, pool: 2}
    - filters: 64
  hidden: [128, 64]
  activation: gelu
  dropout: 5e-1
  output: sigmoid
training:
  seed: 3
  epochs: 20
  batch_size: 64
  threads: 2
  loss: binary
  optimizer: {name: adamw, learning_rate: 1e-5}
  early_stopping: {monitor: val_accuracy, patience: 5, min_delta: 0}
  plateau: {monitor: val_loss, factor: 0.5, patience: 2, min_delta: 1e-4, min_learning_rate: 1e-6}
  keep_best: val_accuracy
"""

Write = Callable[[str], Path]
Complaints = Callable[[str], list[str]]


def said(what: str, complaints: Complaints, **blocks: str) -> None:
    """Asserts the one complaint about a recipe in which the given blocks are as given."""
    blocks = {"name": "small", "model": "{family: dense}", "training": "{epochs: 1}"} | blocks
    assert complaints("".join(f"{key}: {value}\n" for key, value in blocks.items())) == [what]
