"""A checkpoint comes back as it was, or is recognised as damaged."""

from pathlib import Path

import numpy as np
import pytest

from mnist_pipeline.training.checkpoints import Checkpoints, TrainingState


def state(epoch: int) -> TrainingState:
    return TrainingState(
        epoch=epoch,
        weights=[np.full((3, 2), epoch, np.float32), np.zeros(2, np.float32)],
        optimizer=[np.array(epoch, np.int64)],
        average=[],
        best=[np.ones(2, np.float32)],
        history={"loss": [0.1] * epoch},
        callbacks={"plateau": {"wait": 1, "best": None, "cooldown_counter": 0}},
        seconds=1.5,
    )


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    store = Checkpoints(tmp_path)
    store.save(state(1))
    back = store.latest(print)
    assert back is not None
    for group in ("weights", "optimizer", "average", "best"):
        for found, saved in zip(getattr(back, group), getattr(state(1), group), strict=True):
            np.testing.assert_array_equal(found, saved, strict=True)
    assert (back.epoch, back.history, back.callbacks) == (1, {"loss": [0.1]}, state(1).callbacks)


def test_the_newest_comes_first_and_one_more_is_kept(tmp_path: Path) -> None:
    store = Checkpoints(tmp_path)
    for epoch in (1, 2, 3):
        store.save(state(epoch))
    latest = store.latest(print)
    assert latest is not None
    assert latest.epoch == 3
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("at", [0, 70, 200, -1])
def test_one_flipped_bit_is_noticed_and_the_one_before_is_used(tmp_path: Path, at: int) -> None:
    store = Checkpoints(tmp_path)
    store.save(state(1))
    store.save(state(2))
    newest = tmp_path / "epoch-00002.ckpt"
    content = bytearray(newest.read_bytes())
    content[at] ^= 1
    newest.write_bytes(content)
    told: list[str] = []
    latest = store.latest(told.append)
    assert latest is not None
    assert latest.epoch == 1
    assert told == [f"{newest}: this checkpoint is damaged and was passed over"]


@pytest.mark.parametrize("content", [b"", b"x", b"\n" * 100])
def test_rubbish_is_no_checkpoint(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "epoch-00001.ckpt").write_bytes(content)
    assert Checkpoints(tmp_path).latest(print) is None


def test_a_folder_in_place_of_a_checkpoint_is_passed_over_and_written_over(tmp_path: Path) -> None:
    store = Checkpoints(tmp_path)
    store.save(state(1))
    folder = tmp_path / "epoch-00002.ckpt"
    (folder / "inside").mkdir(parents=True)
    told: list[str] = []
    latest = store.latest(told.append)
    assert latest is not None
    assert latest.epoch == 1
    assert told == [f"{folder}: this checkpoint is damaged and was passed over"]
    store.save(state(2))
    again = store.latest(print)
    assert again is not None
    assert again.epoch == 2


def test_a_folder_older_than_the_two_that_are_kept_is_let_go_of(tmp_path: Path) -> None:
    (tmp_path / "epoch-00001.ckpt").mkdir()
    store = Checkpoints(tmp_path)
    for epoch in (2, 3):
        store.save(state(epoch))
    assert len(list(tmp_path.iterdir())) == 2


def test_a_folder_that_does_not_exist_holds_no_checkpoint(tmp_path: Path) -> None:
    assert Checkpoints(tmp_path / "none").latest(print) is None
