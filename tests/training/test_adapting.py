"""A trained model adapted to own pictures: a run like any other, that begins with the weights it is told to."""

import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from mnist_pipeline import evaluate, predict, train
from mnist_pipeline.config.schema import Config
from mnist_pipeline.data import load_part
from mnist_pipeline.data.own import read_own
from mnist_pipeline.errors import ConfigError, MnistError, RunError
from mnist_pipeline.numerals import DIGITS
from mnist_pipeline.prediction.shipping import ShippedRun
from mnist_pipeline.runs.opening import open_run
from mnist_pipeline.runs.run import Run, artifacts
from mnist_pipeline.runs.watching import Watcher
from mnist_pipeline.training.adapting import adapted
from tests.samples import Trainings, pretend

STOPPING = {"training.early_stopping.patience": 4, "training.plateau": {}, "training.keep_best": "val_loss"}


def of_smoke(smoke: Run, pictures: Path, name: str = "mine", **settings: Any) -> Config:
    """The recipe that adapts the smoke run, made still shorter."""
    given = {key.replace("__", "."): value for key, value in settings.items()}
    return adapted(smoke, str(pictures), name, {"data.own.beside": 300, "training.epochs": 2, **given})


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pictures of MNIST's test digits, dark on light, called by what they show."""
    part, folder = load_part("mnist", "test"), tmp_path_factory.mktemp("mine")
    for at in range(6):
        cv2.imwrite(str(folder / f"{part.labels[at]}-{at}.png"), 255 - cv2.resize(part.images[at], (84, 84)))
    return folder


@pytest.fixture(scope="module")
def trained_artifacts(
    smoke_artifacts: Path, trainings: Trainings, pictures: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """An artifacts folder with the smoke run, which knows a small source, and with `mine`, which is adapted from it."""
    folder = tmp_path_factory.mktemp("adapted")
    shutil.copytree(smoke_artifacts / "smoke", folder / "smoke")
    file = folder / "smoke" / "config.yaml"
    file.write_text(file.read_text().replace("source: mnist", f"source: {trainings.source}"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MNIST_ARTIFACTS", str(folder))
        train(of_smoke(Run(folder / "smoke"), pictures), progress=False)
    return folder


@pytest.fixture
def smoke(trained_artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The smoke run, in an artifacts folder that is the current one."""
    monkeypatch.setenv("MNIST_ARTIFACTS", str(trained_artifacts))
    return Run(trained_artifacts / "smoke")


def test_it_ends_as_a_run_that_says_what_it_came_from(smoke: Run, pictures: Path) -> None:
    mine = open_run("mine")
    numbers, said = mine.figures("train"), mine.environment()
    assert numbers["start_sha256"] == smoke.figures("train")["weights_sha256"] != numbers["weights_sha256"]
    assert numbers["own_sha256"] == read_own(pictures, DIGITS, pytest.fail).sha256
    assert (said["start_sha256"], said["own_sha256"]) == (numbers["start_sha256"], numbers["own_sha256"])
    assert evaluate("mine", pictures=False).test_accuracy > 0.9
    assert predict(pictures / "7-0.png", "mine").guess == 7


def test_training_begins_with_the_weights_of_its_source(smoke: Run) -> None:
    """A few steps at a low rate move no weight far, and those that the seed chooses are far from trained ones."""
    from mnist_pipeline.training.keras_file import load_plain
    from mnist_pipeline.training.models import build

    before, after = (load_plain(open_run(name).model_file).get_weights() for name in ("smoke", "mine"))
    first = build(smoke.config().model, smoke.config().training.seed).get_weights()
    for source, trained, chosen in zip(before, after, first, strict=True):
        assert np.abs(trained - source).max() < 0.002
        assert np.abs(chosen - source).max() > 0.05


@pytest.mark.slow
def test_interrupted_after_an_epoch_it_comes_to_the_same_bits(smoke: Run, pictures: Path) -> None:
    config = of_smoke(smoke, pictures, "again")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config, watcher=Watcher(epoch=interrupt))
    assert Run(artifacts() / "again").state == "unfinished"
    assert train(config, progress=False).weights_sha256 == open_run("mine").figures("train")["weights_sha256"]


def refusal(config: Config) -> str:
    with pytest.raises(MnistError) as caught:
        train(config, progress=False)
    assert not (artifacts() / "other").exists()
    return str(caught.value)


def test_weights_of_another_network_are_refused(smoke: Run, pictures: Path) -> None:
    assert refusal(of_smoke(smoke, pictures, "other", model__hidden=[16])) == (
        f"{smoke.path}: its weights are those of another network: model.hidden: [32] → [16]"
    )


def test_a_run_of_other_classes_is_refused(smoke: Run, pictures: Path) -> None:
    config = of_smoke(smoke, pictures, "other", data__classes=[f"digit-{number}" for number in range(10)])
    assert refusal(config).startswith(f"{smoke.path}: its classes are 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, and those of ")


def test_a_run_that_is_not_there_is_refused(smoke: Run, pictures: Path) -> None:
    said = refusal(of_smoke(smoke, pictures, "other", training__start="artifacts/none"))
    assert said.startswith("artifacts/none: no run here.")


def test_a_run_cannot_begin_with_itself(smoke: Run, pictures: Path) -> None:
    config = adapted(smoke, str(pictures), "smoke")
    with pytest.raises(RunError, match="cannot begin with the weights of its own run: choose another --name"):
        train(config, force=True, progress=False)
    assert smoke.state == "trained"


def test_a_name_that_another_run_has_is_refused(smoke: Run, pictures: Path) -> None:
    with pytest.raises(RunError, match="holds a run of another config"):
        train(of_smoke(smoke, pictures, training__seed=1), progress=False)


def test_the_recipe_is_the_source_s_but_for_what_makes_it_short() -> None:
    source = ShippedRun().config()
    config = adapted(ShippedRun(), "mine")
    assert (config.name, config.training.start) == ("photo-adapted", "shipped")
    assert config.model == source.model
    assert config.training.epochs < source.training.epochs
    assert config.training.optimizer.learning_rate < source.training.optimizer.learning_rate
    assert config.data.rendering
    assert config.data.rendering.variants == 1


def test_early_stopping_and_the_like_do_not_come_along() -> None:
    config = adapted(pretend("stopping", settings=STOPPING), "mine")
    assert config.training.start == str(artifacts() / "stopping")
    assert (config.training.early_stopping, config.training.plateau, config.training.keep_best) == (None, None, None)


def test_a_setting_goes_before_the_recipe_and_is_named_where_it_is_wrong() -> None:
    run = pretend("dense")
    assert adapted(run, "mine", settings={"training.epochs": 2}).training.epochs == 2
    with pytest.raises(ConfigError, match=r"^--set data.own.share: "):
        adapted(run, "mine", settings={"data.own.share": 1.5})
    with pytest.raises(ConfigError, match=r"^--name: "):
        adapted(run, "mine", name="a b")
