"""Training in real processes: refusals are clear, nothing is lost, and a seed names its bits."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.samples import Trainings

DENSE = ["training.epochs=2", "data.validation=0.1", "training.batch_size=64"]


@pytest.mark.slow
def test_another_seed_gives_other_bits(trainings: Trainings, tmp_path: Path) -> None:
    first, other = (trainings.run(tmp_path / str(seed), "smoke", f"training.seed={seed}") for seed in (1, 2))
    assert first["weights_sha256"] != other["weights_sha256"]


@pytest.mark.slow
def test_a_full_disk_is_one_clear_line_and_costs_nothing_that_was_there(trainings: Trainings, tmp_path: Path) -> None:
    """No file may grow beyond 40 kB: the config still fits, the first checkpoint does not."""
    resource = pytest.importorskip("resource", reason="needs a limit on files, which Windows has not")
    run = tmp_path / "full" / "smoke"

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))

    process = trainings.start(tmp_path / "full", "smoke", *DENSE, before=little_room)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "cannot be written (File too large)" in said
    assert "Traceback" not in said
    assert sorted(path.name for path in run.rglob("*")) == [".lock", "checkpoint", "config.yaml", "environment.json"]
    assert trainings.run(tmp_path / "full", "smoke", *DENSE)["epochs"] == 2


def test_a_second_training_of_the_same_run_is_refused_while_the_first_lives(
    trainings: Trainings, tmp_path: Path
) -> None:
    first = trainings.start(tmp_path / "both", "smoke", *DENSE, "training.epochs=2000")
    checkpoints = tmp_path / "both" / "smoke" / "checkpoint"
    while not checkpoints.is_dir():
        assert first.poll() is None, first.communicate()[1]
        time.sleep(0.01)
    second = trainings.start(tmp_path / "both", "smoke", *DENSE, "training.epochs=2000")
    _, said = second.communicate(timeout=60)
    first.kill()
    first.communicate()
    assert second.returncode == 2
    assert "another process is training, evaluating or exporting there" in said


def test_a_training_that_diverges_ends_in_one_clear_line(trainings: Trainings, tmp_path: Path) -> None:
    wild = ["training.optimizer={name: sgd, learning_rate: 10}", "model.hidden=[512, 512, 512]"]
    process = trainings.start(tmp_path, "smoke", *wild)
    out, said = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "lower training.optimizer.learning_rate" in said
    assert "Traceback" not in said
    assert not out


def library(code: str) -> subprocess.CompletedProcess[str]:
    """Run Python code that uses the library in a fresh process, with no flags of ours about it yet."""
    clean = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
    return subprocess.run([sys.executable, "-c", code], env=clean, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("first", "then", "said"),
    [
        ("import tensorflow", "{}", "TensorFlow was loaded in this process before"),
        pytest.param(
            "from mnist_pipeline.training.backend import tf; tf.constant(1)",
            "{}",
            "TensorFlow was used in this process before",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "train(load_config('smoke'))", "{'training.threads': 2}", "already computes with 1", marks=pytest.mark.slow
        ),
        pytest.param(
            "train(load_config('smoke'))",
            "{'training.numerics': 'portable'}",
            "under other flags",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_what_cannot_give_the_same_bits_in_this_process_is_refused(first: str, then: str, said: str) -> None:
    begin = "from mnist_pipeline import load_config, train"
    answer = library(f"{begin}\n{first}\ntrain(load_config('smoke', {then}, name='other'))")
    assert answer.returncode == 1
    assert said in answer.stderr.splitlines()[-1]


@pytest.mark.slow
def test_in_a_notebook_keras_still_fits_a_frame_of_several_types_after_the_library_was_there() -> None:
    answer = library(
        "from mnist_pipeline.training import backend\nimport keras, numpy, pandas\n"
        "model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])\n"
        "model.compile(loss='mse', run_eagerly=True)\n"
        "model.fit(pandas.DataFrame({'a': [True, False], 'b': [1.0, 2.0]}), numpy.ones(2), verbose=0)\nprint('fitted')"
    )
    assert answer.stdout == "fitted\n", answer.stderr


@pytest.mark.slow
def test_the_command_line_starts_without_what_keras_would_take_along() -> None:
    answer = library(
        "import sys\nimport mnist_pipeline.__main__\nfrom mnist_pipeline.training import backend\n"
        "print({'pandas', 'matplotlib'} & set(sys.modules))"
    )
    assert answer.stdout == "set()\n", answer.stderr
