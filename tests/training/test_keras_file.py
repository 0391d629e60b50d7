"""A .keras file from elsewhere: nothing in it runs, and loading it takes no more than it holds.

Where Keras itself does the refusing, a test guards that it still does.
"""

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest

from mnist_pipeline.errors import RunError
from mnist_pipeline.runs.run import Run
from mnist_pipeline.training import keras_file
from mnist_pipeline.training.keras_file import load_model


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
    assert load_model(smoke_run.model_file).count_params() == smoke_run.figures("train")["parameters"]


def test_a_lambda_layer_which_is_a_program_is_refused(tmp_path: Path, tensorflow: None) -> None:
    from mnist_pipeline.training.backend import keras

    model = keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Lambda(lambda x: x * 2)])
    model.save(tmp_path / "model.keras")
    with pytest.raises(RunError, match="a part 'Lambda', which is none"):
        load_model(tmp_path / "model.keras")


@pytest.mark.parametrize("module", ["os", "builtins", "kerasx.layers", "keras_evil", None])
def test_a_class_that_is_not_keras_own_is_refused(smoke_run: Run, tmp_path: Path, module: str | None) -> None:
    config = config_of(smoke_run.model_file)
    config["config"]["layers"][2] |= {"module": module, "class_name": "Thing"}
    path = changed(smoke_run.model_file, tmp_path / "model.keras", config=json.dumps(config).encode())
    with pytest.raises(RunError, match="a part 'Thing', which is none"):
        load_model(path)


def test_a_file_that_is_not_what_its_name_says_is_refused(smoke_run: Run, tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    for content in (b"", b"\x80\x04pickle", b"\x89HDF\r\n\x1a\n", smoke_run.onnx_file.read_bytes()):
        path.write_bytes(content)
        with pytest.raises(RunError, match=r"no \.keras file, whatever its name says"):
            load_model(path)
    with pytest.raises(RunError, match="is missing"):
        load_model(tmp_path / "none.keras")


def test_members_are_bounded_before_they_are_unpacked(
    smoke_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keras_file, "LARGEST", 2**20)
    bomb = changed(smoke_run.model_file, tmp_path / "bomb.keras", model=bytes(2**21))
    assert bomb.stat().st_size < 2**15
    with pytest.raises(RunError, match="unpacked it is larger"):
        load_model(bomb)
    monkeypatch.setattr(keras_file, "LARGEST", 2**10)
    with pytest.raises(RunError, match="it is larger than"):
        load_model(smoke_run.model_file)


def test_other_members_are_refused(smoke_run: Run, tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    shutil.copy(smoke_run.model_file, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../escape.txt", "x")
    with pytest.raises(RunError, match="something else"):
        load_model(path)
    with pytest.raises(RunError, match="something else"):
        load_model(changed(smoke_run.model_file, tmp_path / "less.keras", metadata=None))


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
        load_model(with_weights(smoke_run, tmp_path, put))


def test_keras_refuses_weights_that_are_bytes_of_another_file(smoke_run: Run, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(2**20))

    def put(file: h5py.File) -> None:
        shape = file[KERNEL].shape
        del file[KERNEL]
        file.create_dataset(KERNEL, shape, "f4", external=[(str(secret), 0, 2**20)])

    with pytest.raises(RunError, match="Not allowed: H5 file with external Dataset"):
        load_model(with_weights(smoke_run, tmp_path, put))


def test_keras_refuses_weights_that_are_views_of_other_files(smoke_run: Run, tmp_path: Path) -> None:
    def put(file: h5py.File) -> None:
        layout = h5py.VirtualLayout(file[KERNEL].shape, "f4")
        del file[KERNEL]
        layout[:] = h5py.VirtualSource("/etc/hostname", "/data", layout.shape)
        file.create_virtual_dataset(KERNEL, layout)

    with pytest.raises(RunError, match="Not allowed: H5 file with virtual Dataset"):
        load_model(with_weights(smoke_run, tmp_path, put))


def test_weights_that_declare_more_than_is_stored_of_them_are_refused(smoke_run: Run, tmp_path: Path) -> None:
    """Keras would take up to 4 GiB of them."""
    path = with_weights(
        smoke_run, tmp_path, lambda file: file.create_dataset("0", (2**27,), "f4", chunks=(1024,), compression="gzip")
    )
    assert path.stat().st_size < 2**20
    with pytest.raises(RunError, match="claim to be larger"):
        load_model(path)


@pytest.mark.parametrize(
    ("units", "problem"),
    [
        (700_000, "made for 556,500,010 weights, and it holds 25,450"),
        (10**9, "made for 795,000,000,010 weights, and it holds 25,450"),
        ("x", "could not be deserialized"),
        (2.5, "cannot be loaded"),
        (10**30, "cannot be loaded"),
    ],
)
def test_layers_for_more_weights_than_the_file_holds_are_refused_before_they_are_made(
    smoke_run: Run, tmp_path: Path, units: Any, problem: str
) -> None:
    config = config_of(smoke_run.model_file)
    dense = next(layer for layer in config["config"]["layers"] if layer["class_name"] == "Dense")
    dense["config"]["units"] = units
    for layer in config["config"]["layers"]:
        layer.pop("build_config", None)
    path = changed(smoke_run.model_file, tmp_path / "model.keras", config=json.dumps(config).encode())
    with pytest.raises(RunError, match=problem) as refused:
        load_model(path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("Resizing", "keras.layers"), ("ZeroPadding2D", "keras.layers"), ("StringLookup", "keras.layers"),
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
        load_model(path)


def test_layers_that_give_much_for_an_image_are_refused(tmp_path: Path, tensorflow: None) -> None:
    from mnist_pipeline.training.backend import keras

    layers = keras.layers
    wide = [layers.Input((28, 28, 1)), layers.Conv2D(9000, 1), layers.GlobalAveragePooling2D(), layers.Dense(10)]
    keras.Sequential(wide).save(tmp_path / "model.keras")
    with pytest.raises(RunError, match=r"would give 7,065,\d+ values for one image"):
        load_model(tmp_path / "model.keras")
    inner = keras.Sequential([layers.Input((28, 28)), layers.Flatten(), layers.Dense(10)])
    keras.Sequential([layers.Input((28, 28)), inner]).save(tmp_path / "model.keras")
    with pytest.raises(RunError, match="a network inside a network"):
        load_model(tmp_path / "model.keras")


@pytest.mark.parametrize("member", ["config.json", "model.weights.h5"])
def test_garbage_inside_a_whole_archive_is_one_line(smoke_run: Run, tmp_path: Path, member: str) -> None:
    path = changed(smoke_run.model_file, tmp_path / "model.keras")
    with zipfile.ZipFile(path) as archive:
        starts = archive.getinfo(member).header_offset + 30 + len(member)
    content = bytearray(path.read_bytes())
    content[starts : starts + 20] = b"\xff" * 20
    path.write_bytes(content)
    with pytest.raises(RunError, match="it is damaged"):
        load_model(path)


def test_weights_that_lead_to_the_same_array_without_end_are_refused(smoke_run: Run, tmp_path: Path) -> None:
    def put(file: h5py.File) -> None:
        inner = file.create_group("0")
        for number in range(1, 40):
            outer = file.create_group(str(number))
            outer["a"] = outer["b"] = inner
            inner = outer

    with pytest.raises(RunError, match="more than 2,000 arrays"):
        load_model(with_weights(smoke_run, tmp_path, put))


def test_groups_deep_inside_each_other_are_refused_at_once(smoke_run: Run, tmp_path: Path) -> None:
    """HDF5's own walk over 5,000 takes minutes."""

    def put(file: h5py.File) -> None:
        inner = file.id
        for _ in range(2_000):
            inner = h5py.h5g.create(inner, b"0")

    with pytest.raises(RunError, match="more than 2,000 arrays"):
        load_model(with_weights(smoke_run, tmp_path, put))


def test_a_config_larger_than_any_digit_classifiers_is_not_built(smoke_run: Run, tmp_path: Path) -> None:
    config = config_of(smoke_run.model_file) | {"more": "x" * 2**18}
    path = changed(smoke_run.model_file, tmp_path / "model.keras", config=json.dumps(config).encode())
    with pytest.raises(RunError, match="its config is larger than 256 KiB"):
        load_model(path)
