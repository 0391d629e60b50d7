"""Training in real processes: the same bits every time, and nothing lost when a process is interrupted or killed."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_pipeline.data import load_part

MNIST = [sys.executable, "-m", "mnist_pipeline"]
DENSE = ["training.epochs=6", "data.validation=0.1", "training.batch_size=64"]
# All that has a memory of its own: dropout, patience, plateau and the best epoch's weights.
CNN = [
    "training.epochs=8", "data.validation=0.2", "training.batch_size=64", "training.plateau.patience=1",
    "training.early_stopping.patience=2", "training.threads=1",
]  # fmt: skip
AUGMENTED = [*CNN, "training.epochs=5", "training.augmentation={rotation: 10, zoom: 0.1, shift: 2, shear: 0.1}"]
CASES = pytest.mark.parametrize(
    ("recipe", "settings"),
    [("smoke", DENSE), ("cnn", CNN), ("cnn", AUGMENTED)],
    ids=["dense", "cnn", "augmented"],
)


@pytest.fixture(scope="module")
def small_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 3,000 training and 500 test images of MNIST, as an .npz."""
    path = tmp_path_factory.mktemp("data") / "small.npz"
    train, test = load_part("mnist", "train"), load_part("mnist", "test")
    np.savez(
        path,
        x_train=train.images[:3000], y_train=train.labels[:3000], x_test=test.images[:500], y_test=test.labels[:500],
    )  # fmt: skip
    return path


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(small_set: Path, tmp_path: Path) -> Start:
    """Start `mnist train` of a recipe on the small set, in an artifacts folder of the given name."""

    def start(
        recipe: str, folder: str, *settings: str, before: Callable[[], None] | None = None
    ) -> "subprocess.Popen[str]":
        words = ["train", "--config", recipe, "--json", "--set", f"data.source={small_set}"]
        words += [word for setting in settings for word in ("--set", setting)]
        return subprocess.Popen(
            [*MNIST, *words],
            env=os.environ | {"MNIST_ARTIFACTS": str(tmp_path / folder)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=before,
        )  # fmt: skip

    return start


def finish(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """Wait for the process; its numbers."""
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    numbers: dict[str, Any] = json.loads(out)
    return numbers


def interrupt_after(process: "subprocess.Popen[str]", run: Path, epoch: int, how: signal.Signals) -> str:
    """Send the signal once the checkpoint of that epoch stands; what the process had to say."""
    deadline = time.monotonic() + 120
    while not (run / "checkpoint" / f"epoch-{epoch:05d}.ckpt").exists():
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.001)
    process.send_signal(how)
    return process.communicate(timeout=60)[1]


def history(run: Path) -> dict[str, list[float]]:
    loaded: dict[str, list[float]] = json.loads((run / "history.json").read_text())
    return loaded


def test_ctrl_c_keeps_the_checkpoint_says_how_to_go_on_and_changes_nothing(start: Start, tmp_path: Path) -> None:
    whole = finish(start("smoke", "whole", *DENSE))
    interrupted = start("smoke", "broken", *DENSE)
    said = interrupt_after(interrupted, tmp_path / "broken" / "smoke", 2, signal.SIGINT)
    assert interrupted.returncode == 130
    assert "Go on: mnist train --config" in said
    assert "Traceback" not in said
    again = finish(start("smoke", "broken", *DENSE))
    assert again["weights_sha256"] == whole["weights_sha256"]
    assert history(tmp_path / "broken" / "smoke") == history(tmp_path / "whole" / "smoke")
    assert not (tmp_path / "broken" / "smoke" / "checkpoint").exists()


def test_another_seed_gives_other_bits(start: Start) -> None:
    first, other = (start("smoke", str(seed), f"training.seed={seed}") for seed in (1, 2))
    assert finish(first)["weights_sha256"] != finish(other)["weights_sha256"]


@pytest.mark.slow
@CASES
def test_two_fresh_processes_give_the_same_bits(start: Start, recipe: str, settings: list[str]) -> None:
    first, second = (finish(start(recipe, folder, *settings)) for folder in ("first", "second"))
    assert first["weights_sha256"] == second["weights_sha256"]
    assert first["val_loss"] == second["val_loss"]


@pytest.mark.slow
@CASES
def test_killed_at_several_points_it_still_comes_to_the_same_end(
    start: Start, tmp_path: Path, recipe: str, settings: list[str]
) -> None:
    whole = finish(start(recipe, "whole", *settings))
    run = tmp_path / "broken" / recipe
    for epoch in range(1, int(whole["epochs"]), 2):
        interrupt_after(start(recipe, "broken", *settings), run, epoch, signal.SIGKILL)
    again = finish(start(recipe, "broken", *settings))
    same = ("weights_sha256", "epochs", "best_epoch", "steps", "val_loss", "val_accuracy")
    assert {key: again[key] for key in same} == {key: whole[key] for key in same}
    assert history(run) == history(tmp_path / "whole" / recipe)


def test_a_damaged_checkpoint_is_passed_over_and_told(start: Start, tmp_path: Path) -> None:
    run = tmp_path / "broken" / "smoke"
    interrupt_after(start("smoke", "broken", *DENSE), run, 3, signal.SIGKILL)
    newest = max((run / "checkpoint").glob("epoch-*.ckpt"))
    newest.write_bytes(newest.read_bytes()[:-100])
    process = start("smoke", "broken", *DENSE)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0
    assert f"{newest}: this checkpoint is damaged" in said
    assert "going on after epoch" in said


def test_a_full_disk_is_one_clear_line_and_costs_nothing_that_was_there(start: Start, tmp_path: Path) -> None:
    """No file may grow beyond 40 kB: the config still fits, the first checkpoint does not."""
    run = tmp_path / "full" / "smoke"
    process = start("smoke", "full", *DENSE, before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000)))
    _, said = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "cannot be written (File too large)" in said
    assert "Traceback" not in said
    assert sorted(path.name for path in run.rglob("*")) == [".lock", "checkpoint", "config.yaml", "environment.json"]
    assert finish(start("smoke", "full", *DENSE))["epochs"] == 6


def test_a_second_training_of_the_same_run_is_refused_while_the_first_lives(start: Start, tmp_path: Path) -> None:
    first = start("smoke", "both", *DENSE, "training.epochs=2000")
    checkpoints = tmp_path / "both" / "smoke" / "checkpoint"
    while not checkpoints.is_dir():
        assert first.poll() is None, first.communicate()[1]
        time.sleep(0.01)
    second = start("smoke", "both", *DENSE, "training.epochs=2000")
    _, said = second.communicate(timeout=60)
    first.kill()
    first.communicate()
    assert second.returncode == 2
    assert "another process is training there" in said


def test_a_training_that_diverges_ends_in_one_clear_line(start: Start) -> None:
    process = start(
        "smoke", "wild", "training.optimizer={name: sgd, learning_rate: 10}", "model.hidden=[512, 512, 512]"
    )
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
        (
            "from mnist_pipeline.backend import tf; tf.constant(1)",
            "{}",
            "TensorFlow was used in this process before",
        ),
        ("train(load_config('smoke'))", "{'training.threads': 2}", "already computes with 1"),
        ("train(load_config('smoke'))", "{'training.numerics': 'portable'}", "under other flags"),
    ],
)
def test_what_cannot_give_the_same_bits_in_this_process_is_refused(first: str, then: str, said: str) -> None:
    begin = "from mnist_pipeline import load_config, train"
    answer = library(f"{begin}\n{first}\ntrain(load_config('smoke', {then}, name='other'))")
    assert answer.returncode == 1
    assert said in answer.stderr.splitlines()[-1]
