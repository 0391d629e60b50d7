"""The cost of a form, measured in a worker."""

from mnist_pipeline.exports.bench import measure_file
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
