"""A .keras file from elsewhere: nothing in it runs, and what takes too much dies in a process of its own.

Where Keras itself does the refusing, a test guards that it still does.
"""

import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest
from typer.testing import CliRunner

from mnist_pipeline import evaluate
from mnist_pipeline.cli import app
from mnist_pipeline.errors import RunError
from mnist_pipeline.runs.run import Run
from mnist_pipeline.training import keras_file
from mnist_pipeline.training.keras_file import load_model, load_plain, vet


def changed(source: Path, target: Path, **members: bytes | None) -> Path:
    """The .keras file with other contents for some members, by their stems; None leaves a member out."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = members.get(name.split(".")[0], old.read(name))
            if content is not None:
                new.writestr(name, content)
    return target


def config_of(path: Path) -> Any:
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("config.json"))


def test_the_models_made_here_are_loaded(smoke_run: Run) -> None:
    assert load_model(smoke_run).count_params() == smoke_run.figures("train")["parameters"]


def test_the_same_network_is_the_same_file_whenever_it_is_saved(tmp_path: Path, tensorflow: None) -> None:
    from mnist_pipeline.config.recipes import load_config
    from mnist_pipeline.training.models import build
    from mnist_pipeline.training.saving import save_keras

    files = [tmp_path / "first.keras", tmp_path / "second.keras"]
    for path in files:
        save_keras(build(load_config("smoke").model, seed=0), path)
    with zipfile.ZipFile(files[0]) as archive:
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert list(json.loads(archive.read("metadata.json"))) == ["keras_version"]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert load_plain(files[0]).count_params() == 25_450


def test_a_lambda_layer_which_is_a_program_is_refused(tmp_path: Path, tensorflow: None) -> None:
    from mnist_pipeline.training.backend import keras

    model = keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Lambda(lambda x: x * 2)])
    model.save(tmp_path / "model.keras")
    with pytest.raises(RunError, match="a part '__lambda__', which is none"):
        load_plain(tmp_path / "model.keras")


@pytest.mark.parametrize("module", ["os", "builtins", "kerasx.layers", "keras_evil", None])
def test_a_class_that_is_not_keras_own_is_refused(smoke_run: Run, tmp_path: Path, module: str | None) -> None:
    config = config_of(smoke_run.model_file)
    config["config"]["layers"][2] |= {"module": module, "class_name": "Thing"}
    path = changed(smoke_run.model_file, tmp_path / "model.keras", config=json.dumps(config).encode())
    with pytest.raises(RunError, match="a part 'Thing', which is none"):
        load_plain(path)


def test_a_file_that_is_not_what_its_name_says_is_refused(smoke_run: Run, tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    for content in (b"", b"\x80\x04pickle", b"\x89HDF\r\n\x1a\n", smoke_run.onnx_file.read_bytes()):
        path.write_bytes(content)
        with pytest.raises(RunError, match=r"cannot be loaded \(File is not a zip file\)"):
            load_plain(path)
    with pytest.raises(RunError, match="is missing"):
        load_plain(tmp_path / "none.keras")


def test_members_are_bounded_before_they_are_unpacked(
    smoke_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keras_file, "LARGEST", 2**20)
    bomb = changed(smoke_run.model_file, tmp_path / "bomb.keras", model=bytes(2**21))
    assert bomb.stat().st_size < 2**15
    with pytest.raises(RunError, match="unpacked it is larger"):
        load_plain(bomb)
    monkeypatch.setattr(keras_file, "LARGEST", 2**10)
    with pytest.raises(RunError, match="it is larger than"):
        load_plain(smoke_run.model_file)


def test_other_members_are_refused(smoke_run: Run, tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    shutil.copy(smoke_run.model_file, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../escape.txt", "x")
    with pytest.raises(RunError, match="something else"):
        load_plain(path)
    with pytest.raises(RunError, match="something else"):
        load_plain(changed(smoke_run.model_file, tmp_path / "less.keras", metadata=None))


def with_weights(smoke_run: Run, folder: Path, change: Callable[[h5py.File], object]) -> Path:
    """The smoke run's .keras file with its weights changed."""
    weights = folder / "model.weights.h5"
    with zipfile.ZipFile(smoke_run.model_file) as archive:
        weights.write_bytes(archive.read("model.weights.h5"))
    with h5py.File(weights, "a") as file:
        change(file)
    return changed(smoke_run.model_file, folder / "model.keras", model=weights.read_bytes())


KERNEL = "layers/dense/vars/0"


@pytest.mark.parametrize(
    ("link", "refusal"),
    [
        (h5py.ExternalLink("/etc/hostname", "/"), "Not allowed: H5 file with ExternalLink"),
        (h5py.SoftLink("/kept"), "Not allowed: H5 file with SoftLink"),
    ],
)
def test_keras_refuses_weights_behind_a_link(smoke_run: Run, tmp_path: Path, link: Any, refusal: str) -> None:
    def put(file: h5py.File) -> None:
        file.move("layers/dense", "kept")
        file["layers/dense"] = link

    with pytest.raises(RunError, match=refusal):
        load_plain(with_weights(smoke_run, tmp_path, put))


def test_keras_refuses_weights_that_are_bytes_of_another_file(smoke_run: Run, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(2**20))

    def put(file: h5py.File) -> None:
        shape = file[KERNEL].shape
        del file[KERNEL]
        file.create_dataset(KERNEL, shape, "f4", external=[(str(secret), 0, 2**20)])

    with pytest.raises(RunError, match="Not allowed: H5 file with external Dataset"):
        load_plain(with_weights(smoke_run, tmp_path, put))


def test_keras_refuses_weights_that_are_views_of_other_files(smoke_run: Run, tmp_path: Path) -> None:
    def put(file: h5py.File) -> None:
        layout = h5py.VirtualLayout(file[KERNEL].shape, "f4")
        del file[KERNEL]
        layout[:] = h5py.VirtualSource("/etc/hostname", "/data", layout.shape)
        file.create_virtual_dataset(KERNEL, layout)

    with pytest.raises(RunError, match="Not allowed: H5 file with virtual Dataset"):
        load_plain(with_weights(smoke_run, tmp_path, put))


def with_units(smoke_run: Run, target: Path, units: Any) -> Path:
    """The smoke run's .keras file with that many units in its first dense layer."""
    config = config_of(smoke_run.model_file)
    dense = next(layer for layer in config["config"]["layers"] if layer["class_name"] == "Dense")
    dense["config"]["units"] = units
    for layer in config["config"]["layers"]:
        layer.pop("build_config", None)
    return changed(smoke_run.model_file, target, config=json.dumps(config).encode())


@pytest.mark.parametrize("units", ["x", 2.5, 10**30])
def test_what_is_no_number_of_units_is_one_line(smoke_run: Run, tmp_path: Path, units: Any) -> None:
    with pytest.raises(RunError, match="cannot be loaded") as refused:
        load_plain(with_units(smoke_run, tmp_path / "model.keras", units))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("Resizing", "keras.layers"), ("UpSampling2D", "keras.layers"), ("StringLookup", "keras.layers"),
        ("TFSMLayer", "keras.layers"), ("get_file", "keras.utils"), ("Functional", "keras.src.models"),
    ],
)  # fmt: skip
def test_a_part_that_no_digit_classifier_is_made_of_is_refused(
    smoke_run: Run, tmp_path: Path, name: str, module: str
) -> None:
    """Some make much out of little, and some read files."""
    config = config_of(smoke_run.model_file)
    config["config"]["layers"][2] |= {"module": module, "class_name": name}
    path = changed(smoke_run.model_file, tmp_path / "model.keras", config=json.dumps(config).encode())
    with pytest.raises(RunError, match=f"a part '{name}', which is none"):
        load_plain(path)


@pytest.mark.parametrize("member", ["config.json", "model.weights.h5"])
def test_garbage_inside_a_whole_archive_is_one_line(smoke_run: Run, tmp_path: Path, member: str) -> None:
    path = changed(smoke_run.model_file, tmp_path / "model.keras")
    with zipfile.ZipFile(path) as archive:
        starts = archive.getinfo(member).header_offset + 30 + len(member)
    content = bytearray(path.read_bytes())
    content[starts : starts + 20] = b"\xff" * 20
    path.write_bytes(content)
    with pytest.raises(RunError, match="cannot be loaded") as refused:
        load_plain(path)
    assert "\n" not in str(refused.value)


def test_a_config_larger_than_any_digit_classifiers_is_not_built(smoke_run: Run, tmp_path: Path) -> None:
    config = config_of(smoke_run.model_file) | {"more": "x" * 2**21}
    path = changed(smoke_run.model_file, tmp_path / "model.keras", config=json.dumps(config).encode())
    with pytest.raises(RunError, match="its config is larger than 2048 KiB"):
        load_plain(path)


def outside(smoke_run: Run, folder: Path) -> Run:
    """The smoke run as somebody has downloaded it."""
    shutil.copytree(smoke_run.path, folder / "download")
    return Run(folder / "download")


def test_a_model_from_elsewhere_is_read_in_a_process_that_may_die(
    smoke_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import os\nos.kill(os.getpid(), 11)\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    assert load_model(smoke_run)
    with pytest.raises(RunError, match="not read: Keras crashed over it, or would take more than 2,048 MiB") as refused:
        load_model(outside(smoke_run, tmp_path))
    assert "\n" not in str(refused.value)


def test_a_model_that_is_not_the_one_of_the_runs_numbers_is_refused(
    smoke_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    run = outside(smoke_run, tmp_path)
    numbers = run.figures("train")
    run.add_metrics("train", numbers | {"weights_sha256": "0" * 64})
    with pytest.raises(RunError, match="holds other weights than this run's training wrote"):
        load_model(run)


@pytest.mark.slow
def test_a_model_from_elsewhere_that_takes_little_is_evaluated(smoke_run: Run, tmp_path: Path) -> None:
    assert evaluate(outside(smoke_run, tmp_path))["test_accuracy"] == smoke_run.figures("evaluate")["test_accuracy"]


@pytest.mark.slow
@pytest.mark.parametrize("units", [700_000, 10**9])
def test_layers_for_more_than_there_is_memory_are_one_line(smoke_run: Run, tmp_path: Path, units: int) -> None:
    with pytest.raises(RunError, match="takes more memory than there is for it"):
        vet(with_units(smoke_run, tmp_path / "model.keras", units))


@pytest.mark.slow
def test_arrays_of_which_hardly_anything_is_stored_are_one_line(smoke_run: Run, tmp_path: Path) -> None:
    def put(file: h5py.File) -> None:
        del file[KERNEL]
        file.create_dataset(KERNEL, (2**20, 2**10), "f4", chunks=(2**10, 2**10), compression="gzip")

    path = with_weights(smoke_run, tmp_path, put)
    assert path.stat().st_size < 2**20
    with pytest.raises(RunError, match="cannot be loaded"):
        vet(path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kernels", "classes", "refusal"),
    [
        ([(9000, 1)], 10, "crashed over it, or would take more than"),  # seven million values for an image
        ([(16, 27), (512, 27)], 10, "crashed over it, or would take more than"),  # five billion multiplications
        ([], 1, "does not give a score for each class"),
    ],
)
def test_a_network_that_takes_much_or_is_no_digit_classifier_is_one_line(
    kernels: list[tuple[int, int]], classes: int, refusal: str, tmp_path: Path, tensorflow: None
) -> None:
    from mnist_pipeline.training.backend import keras

    layers = keras.layers
    convolutions = [layers.Conv2D(filters, size, padding="same") for filters, size in kernels]
    network = [layers.Input((28, 28, 1)), *convolutions, layers.GlobalAveragePooling2D(), layers.Dense(classes)]
    keras.Sequential(network).save(tmp_path / "model.keras")
    with pytest.raises(RunError, match=refusal) as refused:
        vet(tmp_path / "model.keras")
    assert "\n" not in str(refused.value)


@pytest.mark.slow
def test_evaluate_refuses_what_it_cannot_trust_in_a_line(smoke_run: Run, tmp_path: Path) -> None:
    run = outside(smoke_run, tmp_path)
    with_units(smoke_run, run.model_file, 700_000)
    done = CliRunner().invoke(app, ["evaluate", str(run.path)])
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
