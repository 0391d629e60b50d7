"""What catalogues read of an export, each checked by the catalogue's own validator where that is installed."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from mnist_pipeline.data.loading import SHIPPED, load_part
from mnist_pipeline.exports.metadata import card_head, citation, croissant
from mnist_pipeline.exports.texts import licence, markdown
from tests.exports.test_card import CARD

OWN = CARD | {"data": CARD["data"] | {"source": "/data/my digits.npz", "licence": licence("/data/my digits.npz")}}
ODD = CARD | {"description": "--- # <script>: [\"a\"]\n* 'b' | c", "name": "no"}
ENVIRONMENT: dict[str, Any] = {"versions": {"mnist-kit": "0.1.0"}, "source": {"commit": "ab" * 20, "dirty": False}}
FINISHED = "2026-01-02T03:04:05+00:00"
DIGESTS = {"train_sha256": "cd" * 32, "test_sha256": "ef" * 32}

cards = pytest.mark.parametrize("card", [CARD, OWN, ODD], ids=["mnist", "own images", "odd words"])


def test_the_card_begins_with_what_the_hub_reads() -> None:
    page = markdown(CARD)
    assert page.startswith("---\n")
    head = yaml.safe_load(page.split("---\n")[1])
    assert head["license"] == "cc-by-sa-3.0"
    assert head["library_name"] == "keras"
    assert head["model-index"][0]["results"][0]["metrics"] == [{"type": "accuracy", "value": 0.9605}]
    assert page.split("---\n")[2].startswith("# trial: a classifier")


def test_of_images_of_one_s_own_no_licence_is_told() -> None:
    head = yaml.safe_load(card_head(OWN))
    assert {"license", "datasets"} & set(head) == set()
    assert head["model-index"][0]["results"][0]["dataset"] == {"name": "my digits.npz", "type": "own", "split": "test"}


@cards
def test_the_card_is_read_by_hugging_face_s_own_reader(card: dict[str, Any]) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="the Hub's reader of cards is not installed")
    read = hub.ModelCard(markdown(card), ignore_metadata_errors=False)
    (result,) = read.data.eval_results
    assert (result.task_type, result.metric_type, result.metric_value) == ("image-classification", "accuracy", 0.9605)
    assert read.data.model_name == card["name"]
    assert read.text.startswith(f"# {card['name']}")


@cards
def test_the_citation_is_valid_by_its_own_schema(card: dict[str, Any]) -> None:
    cffconvert = pytest.importorskip("cffconvert", reason="the validator of CITATION.cff is not installed")
    text = citation(card, FINISHED, ENVIRONMENT)
    cffconvert.Citation(text).validate()
    assert f"sha256:{card['weights_sha256']}" in text


def test_what_breaks_the_schema_is_seen() -> None:
    cffconvert = pytest.importorskip("cffconvert", reason="the validator of CITATION.cff is not installed")
    text = citation(CARD, FINISHED, ENVIRONMENT).replace("date-released: '2026-01-02'", "date-released: yesterday")
    with pytest.raises(Exception, match="yesterday"):
        cffconvert.Citation(text).validate()


def test_our_own_citation_is_valid_too() -> None:
    cffconvert = pytest.importorskip("cffconvert", reason="the validator of CITATION.cff is not installed")
    cffconvert.Citation((Path(__file__).parents[2] / "CITATION.cff").read_text(encoding="utf-8")).validate()


def test_without_a_commit_the_version_names_the_code() -> None:
    (code, mnist) = yaml.safe_load(citation(CARD, FINISHED, ENVIRONMENT | {"source": None}))["references"]
    assert (code["title"], code["version"], "commit" in code) == ("mnist-kit", "0.1.0", False)
    assert mnist["license"] == "CC-BY-SA-3.0"


def test_the_images_are_described_by_the_digests_of_their_files() -> None:
    told = croissant("mnist", {"train": 60_000, "test": 10_000}, DIGESTS)
    assert [file["name"] for file in told["distribution"]] == [
        "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte.gz",
    ]  # fmt: skip
    assert {path.name for path in SHIPPED.glob("*.gz")} == {file["name"] for file in told["distribution"]}
    assert told["description"].startswith("60,000 training and 10,000 test images")
    assert DIGESTS["train_sha256"] in told["description"]


@pytest.fixture(params=["mnist", "npz", "idx"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A source of images of each kind."""
    if request.param == "npz":
        images, labels = np.zeros((4, 28, 28), np.uint8), np.arange(4, dtype=np.uint8)
        np.savez(tmp_path / "mine.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
        return str(tmp_path / "mine.npz")
    if request.param == "idx":
        for path in SHIPPED.glob("t10k*.gz"):
            content = gzip.decompress(path.read_bytes())
            for part in ("t10k", "train"):
                (tmp_path / path.stem.replace("t10k", part)).write_bytes(content)
        return str(tmp_path)
    return "mnist"


@pytest.mark.slow  # its validator takes seconds to load
@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")  # of the packages that the validator is made of
def test_croissant_is_valid_by_its_own_validator(source: str, tmp_path: Path) -> None:
    mlcroissant = pytest.importorskip("mlcroissant", reason="the validator of Croissant is not installed")
    sizes = {part: len(load_part(source, part)) for part in ("train", "test")}
    path = tmp_path / "croissant.json"
    path.write_text(json.dumps(croissant(source, sizes, DIGESTS)))
    issues = mlcroissant.Dataset(jsonld=path).metadata.issues
    assert issues.errors == set()
    if source == "mnist":
        assert issues.warnings == set()
