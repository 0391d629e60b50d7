"""Pictures answered on a Ray cluster: the same file as here, whatever node dies, and the model loaded once a worker."""

import time
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from mnist_pipeline.data import load_part
from mnist_pipeline.errors import MnistError
from mnist_pipeline.fleet.answering import RayCrew
from mnist_pipeline.prediction import shards
from mnist_pipeline.prediction.bulk import predict_to
from mnist_pipeline.prediction.predictor import predictor
from tests.commands import mnist
from tests.fleet.nodes import Cluster

pytest.importorskip("ray", reason="comes with the extra ray")


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """Two hundred small pictures and a file that is none."""
    folder = tmp_path / "digits"
    folder.mkdir()
    for number, image in enumerate(load_part("mnist", "test").images[:200]):
        cv2.imwrite(str(folder / f"{number}.png"), image)
    (folder / "7-x.png").write_text("not a picture")
    return folder


def test_an_address_of_another_kind_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    result = mnist("predict", "x.png", "--out", tmp_path / "o.csv", "--ray", "http://somewhere")
    assert result.exit_code == 2
    assert "give HOST:PORT of the cluster's head" in result.stderr
    assert not (tmp_path / "o.csv.parts").exists()


@pytest.mark.slow
def test_a_node_that_is_killed_costs_no_answer_and_the_file_is_that_of_this_machine(
    cluster: Cluster, digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "MOST", 5)
    monkeypatch.setattr(shards, "LAST", 5)
    model = predictor("shipped", "quickest")
    crew = once_it_answers(lambda: RayCrew(cluster.address, model, "auto"))
    cluster.start()
    cluster.start()
    told: list[int] = []

    def tell(number: int) -> None:
        told.append(number)
        if len(told) == 10:
            cluster.kill(2)

    words = [str(digits), str(digits / "none.png")]
    tally = predict_to(tmp_path / "far.csv", words, model, crew=crew, tell=tell)
    assert tally["unread"] == 2
    assert sum(told) == tally.total() == 202
    predict_to(tmp_path / "here.csv", words, model)
    assert (tmp_path / "far.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()


def once_it_answers(join: Callable[[], RayCrew]) -> RayCrew:
    """The cluster, as soon as its head is up."""
    deadline = time.monotonic() + 240
    while True:
        try:
            return join()
        except MnistError:
            assert time.monotonic() < deadline
            time.sleep(1)
