"""The cost of a form, measured in a worker."""

from pathlib import Path
from typing import Any

import pytest

from mnist_pipeline.exports import bench
from mnist_pipeline.exports.bench import measure_file, measure_run
from mnist_pipeline.runs.run import Run
from mnist_pipeline.runs.watching import Watcher


def test_bench_measures_in_a_process_of_its_own(exported: Run) -> None:
    """One form, read by what starts quickest; every form is measured where tests may take minutes."""
    told: list[str] = []
    path = exported.exports / "model-int8.tflite"
    row = measure_file("litert-int8", "litert", path, "mnist", Watcher(note=told.append))
    assert (row["form"], row["reader"]) == ("litert-int8", "litert")
    assert 0 < row["one_image_ms"]["median"] <= row["one_image_ms"]["p99"]
    assert row["images_per_second"].keys() == {"1", "2"}
    assert min(row["images_per_second"].values()) > 100
    assert row["load_ms"] > 0
    assert row["bytes"] == path.stat().st_size
    assert told == ["litert-int8 (litert)"]


def test_bench_reads_nothing_from_elsewhere_unseen(
    exported: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A SavedModel's graph may write files, so it is not read; the rest is vetted where it is read."""
    read: list[str] = []

    def measure(form: str, *_: Any) -> dict[str, Any]:
        read.append(form)
        return {}

    monkeypatch.setattr(bench, "measure_file", measure)
    assert "left_out" in measure_run(exported, Watcher())
    assert "saved-model" in read
    read.clear()
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    assert "saved-model: lies outside the artifacts folder" in measure_run(exported, Watcher())["left_out"][-1]
    assert "saved-model" not in read
    monkeypatch.setattr(bench, "vet", lambda path, reader: read.append(path.name))
    bench._opener("opencv", exported.onnx_file, 1)
    assert read[-1] == "model.onnx"
