"""Nothing is lost when a training is interrupted or killed: it comes to the bits of one that was not."""

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.samples import Trainings
from tests.systems import posix

DENSE = ["training.epochs=30", "data.validation=0.1", "training.batch_size=64", "training.averaging={decay: 0.9}"]
# All that has a memory of its own: dropout, patience, plateau and the best epoch's weights.
SMALL = "model={family: cnn, convolutions: [{filters: 8, batch_norm: true, pool: 2}], hidden: [16], dropout: 0.5}"
CNN = [SMALL, "training.epochs=7", "training.plateau.patience=1", "training.early_stopping.patience=2"]
AUGMENTED = [
    *CNN, "training.epochs=5",
    "training.augmentation={rotation: 10, zoom: 0.1, shift: 2, shear: 0.1, elastic: 2, thickness: 0.3}",
    "training.plateau=null", "training.schedule={rise: 0.3}", "training.averaging={decay: 0.9}",
    "training.label_smoothing=0.1", "training.calibrate=true", "model.pooling=average", "model.hidden=[]",
]  # fmt: skip
PORTABLE = [*(setting for setting in AUGMENTED if "calibrate" not in setting), "training.keep_best=val_accuracy"]
KINDS = {
    "dense": ("smoke", DENSE), "cnn": ("cnn", CNN), "augmented": ("cnn", AUGMENTED),
    "portable": ("cnn-portable", PORTABLE),
}  # fmt: skip

Unbroken = Callable[[str], tuple[dict[str, Any], Path]]


@pytest.fixture(scope="module")
def unbroken(trainings: Trainings, tmp_path_factory: pytest.TempPathFactory) -> Unbroken:
    """Numbers and folder of a run of the kind that nothing disturbed; each kind is trained once."""
    done: dict[str, tuple[dict[str, Any], Path]] = {}

    def unbroken(kind: str) -> tuple[dict[str, Any], Path]:
        if kind not in done:
            recipe, settings = KINDS[kind]
            artifacts = tmp_path_factory.mktemp(kind)
            done[kind] = trainings.run(artifacts, recipe, *settings), artifacts / recipe
        return done[kind]

    return unbroken


def interrupt_after(process: "subprocess.Popen[str]", run: Path, epoch: int, how: signal.Signals) -> str:
    """Send the signal once the checkpoint of that epoch, or of a later one, stands; gives what the process said."""
    deadline = time.monotonic() + 120
    newest = f"epoch-{epoch:05d}.ckpt"
    while not any(path.name >= newest for path in (run / "checkpoint").glob("epoch-*.ckpt")) and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    process.send_signal(how)
    return process.communicate(timeout=60)[1]


def assert_same(again: dict[str, Any], run: Path, whole: dict[str, Any], whole_run: Path) -> None:
    """The same weights, figures and history."""
    same = ("weights_sha256", "epochs", "best_epoch", "steps", "train_loss", "val_loss", "val_accuracy")
    assert {key: again[key] for key in same} == {key: whole[key] for key in same}
    assert json.loads((run / "history.json").read_text()) == json.loads((whole_run / "history.json").read_text())


# Killed and started again is the harder of the two cases, and an augmented CNN the hardest kind; a dense network is
# trained in two fresh processes by the gate of the accuracies too.
ONCE = [pytest.param(kind, marks=pytest.mark.slow) for kind in ("dense", "cnn", "augmented", "portable")]
KILLED = [pytest.param(kind, marks=pytest.mark.slow) for kind in ("dense", "cnn", "portable")] + ["augmented"]


@pytest.mark.parametrize("kind", ONCE)
def test_two_fresh_processes_give_the_same_bits(
    kind: str, trainings: Trainings, unbroken: Unbroken, tmp_path: Path
) -> None:
    recipe, settings = KINDS[kind]
    assert_same(trainings.run(tmp_path, recipe, *settings), tmp_path / recipe, *unbroken(kind))


@posix
@pytest.mark.parametrize("kind", KILLED)
def test_killed_at_several_points_it_still_comes_to_the_same_end(
    kind: str, trainings: Trainings, unbroken: Unbroken, tmp_path: Path
) -> None:
    recipe, settings = KINDS[kind]
    whole, whole_run = unbroken(kind)
    run = tmp_path / recipe
    for epoch in (1, whole["epochs"] - 1):
        interrupt_after(trainings.start(tmp_path, recipe, *settings), run, epoch, signal.SIGKILL)
    assert_same(trainings.run(tmp_path, recipe, *settings), run, whole, whole_run)


@posix
def test_ctrl_c_keeps_the_checkpoint_and_says_how_to_go_on(
    trainings: Trainings, unbroken: Unbroken, tmp_path: Path
) -> None:
    for attempt in map(str, range(5)):  # on a busy machine the training may be over before the signal comes
        run = tmp_path / attempt / "smoke"
        process = trainings.start(run.parent, "smoke", *DENSE)
        said = interrupt_after(process, run, 2, signal.SIGINT)
        if process.returncode:
            break
    assert process.returncode == 130
    assert "Go on: mnist train --config" in said
    assert "Traceback" not in said
    assert_same(trainings.run(run.parent, "smoke", *DENSE), run, *unbroken("dense"))
    assert not (run / "checkpoint").exists()


@posix
@pytest.mark.slow
def test_a_damaged_checkpoint_is_passed_over_and_told(trainings: Trainings, unbroken: Unbroken, tmp_path: Path) -> None:
    run = tmp_path / "smoke"
    interrupt_after(trainings.start(tmp_path, "smoke", *DENSE), run, 3, signal.SIGKILL)
    newest = max((run / "checkpoint").glob("epoch-*.ckpt"))
    newest.write_bytes(newest.read_bytes()[:-100])
    process = trainings.start(tmp_path, "smoke", *DENSE)
    out, said = process.communicate(timeout=120)
    assert f"{newest}: this checkpoint is damaged" in said
    assert "going on after epoch" in said
    assert_same(json.loads(out), run, *unbroken("dense"))
