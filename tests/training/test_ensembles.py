"""Trained runs joined to one whose answer is the mean of their probabilities: a run like any other."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_pipeline import evaluate, pipeline, predictor, report, train
from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.data import load_part
from mnist_pipeline.errors import MnistError, RunError
from mnist_pipeline.pixels.preprocess import scale
from mnist_pipeline.prediction.runtimes import normalised
from mnist_pipeline.runs.opening import begin, open_run
from mnist_pipeline.runs.run import Run, artifacts
from mnist_pipeline.training.adapting import adapted
from mnist_pipeline.training.members import opened_members
from tests.commands import mnist
from tests.samples import ENVIRONMENT, TRAINED, Trainings, pretend

CNN = {"family": "cnn", "convolutions": [{"filters": 2, "pool": 4}], "hidden": [], "views": 5}
MEMBERS = ["plain", "sigmoids", "views"]


def made(name: str, source: Path, settings: dict[str, Any]) -> Run:
    """A run that looks trained, with a network of random weights as large as those of a trained one."""
    from mnist_pipeline.training import means, models
    from mnist_pipeline.training.keras_file import weights_sha256
    from mnist_pipeline.training.saving import save_keras

    config = load_config("smoke", {"data.source": str(source), **settings}, name=name)
    run, random = begin(config, ENVIRONMENT), np.random.default_rng(len(name))
    network = models.build(config.network, config.training.seed)
    network.set_weights([weight + random.normal(0, 0.2, weight.shape) for weight in network.get_weights()])
    model = means.mean_of(means.views_of(network, config.views), network.name)
    save_keras(model, run.model_file)
    digests = {"weights_sha256": weights_sha256(model), "data_sha256": load_part(source, "train").sha256}
    run.add_metrics("train", TRAINED | digests)
    return run


@pytest.fixture(scope="module")
def joined_artifacts(trainings: Trainings, tmp_path_factory: pytest.TempPathFactory, tensorflow: None) -> Path:
    """An artifacts folder with three members of two families, and `three`, which was made of them and evaluated."""
    folder = tmp_path_factory.mktemp("joined")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MNIST_ARTIFACTS", str(folder))
        made("plain", trainings.source, {})
        made("sigmoids", trainings.source, {"model.output": "sigmoid"})
        made("views", trainings.source, {"model": CNN})
        pipeline.ensemble(MEMBERS, "three")
        evaluate("three")
    return folder


@pytest.fixture
def three(joined_artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The ensemble, in an artifacts folder that is the current one."""
    monkeypatch.setenv("MNIST_ARTIFACTS", str(joined_artifacts))
    return Run(joined_artifacts / "three")


@pytest.fixture
def copied(three: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The ensemble beside its members in a folder of its own, with which a test may do what it likes."""
    shutil.copytree(three.path.parent, tmp_path / "copied")
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path / "copied"))
    return Run(tmp_path / "copied" / "three")


def test_it_answers_with_the_mean_of_its_members_probabilities(three: Run, trainings: Trainings) -> None:
    from mnist_pipeline.training.keras_file import load_model

    images = load_part(trainings.source, "test").images[:20]
    shares = []
    for name in MEMBERS:
        run = Run(artifacts() / name)
        model = load_model(run)
        scores = np.asarray(model(scale(images).reshape(-1, *model.input_shape[1:]), training=False))
        shares.append(normalised(scores, run.scores().output))
    np.testing.assert_allclose(predictor("three").probabilities(images), np.mean(shares, axis=0), atol=1e-5)


def test_it_says_what_it_is_made_of(three: Run) -> None:
    numbers = three.figures("train")
    weights = [Run(artifacts() / name).figures("train")["weights_sha256"] for name in MEMBERS]
    assert [member["name"] for member in numbers["members"]] == MEMBERS
    assert [member["weights_sha256"] for member in numbers["members"]] == weights
    assert (numbers["seed"], numbers["epochs"]) == (None, 3 * TRAINED["epochs"])
    assert 0 <= numbers["val_accuracy"] <= 1  # its members kept the same images apart
    config = three.config()
    assert [member.recipe() for member in config.members] == [
        Run(artifacts() / name).config().recipe() for name in MEMBERS
    ]
    assert "training" not in config.tree()
    assert three.config_file.read_text().startswith("# mnist ensemble ")


def test_every_verb_takes_it_for_a_run(three: Run) -> None:
    assert evaluate("three", pictures=False).n == 500
    page = report("three").read_text()
    assert "mnist reproduce" in page
    assert "Weights of sigmoids" in page
    assert "three" in mnist("runs").stdout
    assert mnist("runs", "diff", "three", "three").exit_code == 0
    assert open_run(None).examined()
    assert list(pipeline.export("three", ["onnx"]).forms) == ["onnx"]


def test_a_page_which_computes_one_network_is_refused(three: Run) -> None:
    result = mnist("export", "three", "--to", "page-float")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].endswith("this run's answer is a mean of several: export another form")


def test_made_again_it_stays_as_it_is(copied: Run) -> None:
    before = copied.model_file.stat().st_mtime_ns
    result = mnist("ensemble", *MEMBERS, "--name", "three")
    assert (result.exit_code, copied.model_file.stat().st_mtime_ns) == (0, before)
    assert "nothing done" in result.stderr
    assert train(copied.config(), progress=False).weights_sha256 == copied.figures("train")["weights_sha256"]


def test_it_is_not_taken_for_one_of_other_members(copied: Run) -> None:
    with pytest.raises(RunError, match="holds a run of another config"):
        pipeline.ensemble(MEMBERS[:2], "three")
    member = Run(copied.path.parent / "plain")
    member.add_metrics("train", member.figures("train") | {"weights_sha256": "ef" * 32})
    with pytest.raises(RunError, match="its members have been trained anew since"):
        pipeline.ensemble(MEMBERS, "three")


def test_it_is_no_beginning_of_a_training(three: Run) -> None:
    with pytest.raises(RunError, match="is an ensemble, and one network is trained further"):
        adapted(three, "mine")


def test_its_config_needs_its_members(copied: Run) -> None:
    shutil.rmtree(copied.path.parent / "views")
    with pytest.raises(RunError, match="views: no run here"):
        train(copied.config(), progress=False)


@pytest.mark.parametrize(
    ("runs", "refusal"),
    [
        (["a"], "an ensemble takes two runs or more"),
        (["a", "a"], "a: is named twice"),
        (["a", "none"], "none: no run here"),
        (["a", "unfinished"], "unfinished: its training is not finished"),
        (["a", "letters"], "letters: its classes are a, b, "),
        (["a", "elsewhere"], "elsewhere: was trained on other images than "),
        (["a", "twin"], "twin: has the weights of "),
        (["a", "shipped"], "shipped: its training cannot be repeated here"),
    ],
)
def test_runs_that_do_not_go_together_are_refused_in_a_line(runs: list[str], refusal: str) -> None:
    pretend("a")
    letters = [chr(ord("a") + number) for number in range(10)]
    others: dict[str, dict[str, Any]] = {
        "letters": {"data.classes": letters},
        "elsewhere": {"data.source": "digits.npz"},
        "twin": {},
    }
    for name, settings in others.items():
        pretend(name, settings=settings)
    begin(load_config("smoke", name="unfinished"), ENVIRONMENT)
    with pytest.raises(MnistError, match=refusal) as refused:
        opened_members(runs)
    assert "\n" not in str(refused.value)


def test_an_ensemble_is_no_member(three: Run) -> None:
    with pytest.raises(RunError, match="three: is an ensemble itself: name its members"):
        opened_members(["plain", "three"])


def test_the_name_of_a_member_is_refused(three: Run) -> None:
    with pytest.raises(RunError, match="plain: is the name of a member"):
        pipeline.ensemble(MEMBERS, "plain")


@pytest.mark.slow
def test_it_is_trained_again_to_the_bit_and_its_statement_holds(trainings: Trainings) -> None:
    for seed in (0, 1):
        train(load_config("smoke", {"data.source": str(trainings.source)}, seed=seed), progress=False)
    pipeline.ensemble(["smoke-seed0", "smoke-seed1"], "two")
    evaluate("two", pictures=False)
    again = mnist("reproduce", "two", "--json")
    assert (again.exit_code, json.loads(again.stdout)["likeness"]) == (0, "same bits")
    assert mnist("attest", "two").exit_code == 0
    assert "same bits" in mnist("verify", "two", "--data", str(trainings.source)).stdout


@pytest.mark.slow
def test_it_is_exported_in_every_form_that_can_compute_it(trainings: Trainings) -> None:
    here = {"data.source": str(trainings.source)}  # trained, as untrained networks lose answers to eight bits
    for config in (load_config("smoke", here, seed=0), load_config("smoke", {**here, "model": CNN}, seed=1)):
        train(config, progress=False)
    pipeline.ensemble(["smoke-seed0", "smoke-seed1"], "mixed")
    evaluate("mixed", pictures=False)
    result = mnist("export", "mixed", "--json")
    assert result.exit_code == 0, result.stderr
    assert set(json.loads(result.stdout)["forms"]) == {
        "onnx", "onnx-with-scaling", "onnx-int8", "litert", "litert-int8", "saved-model", "c-array",
    }  # fmt: skip
    assert "left out: page: a page computes one network" in result.stderr
