"""An exported model and its images as catalogues know them: a Hugging Face card's head, CITATION.cff and Croissant."""

import hashlib
from pathlib import Path
from typing import Any

from mnist_pipeline.config import yaml_text
from mnist_pipeline.data.loading import files_of
from mnist_pipeline.numerals import DIGITS
from mnist_pipeline.packages import COMPLETE

_MNIST_LICENCE = "https://creativecommons.org/licenses/by-sa/3.0/"
_MNIST: dict[str, Any] = {
    "type": "data", "title": "The MNIST database of handwritten digits", "license": "CC-BY-SA-3.0",
    "authors": [
        {"family-names": "LeCun", "given-names": "Yann"}, {"family-names": "Cortes", "given-names": "Corinna"},
        {"family-names": "Burges", "given-names": "Christopher J. C."},
    ],
}  # fmt: skip
# The context that every Croissant file has, word by word.
_TERMS = (
    "citeAs column equivalentProperty extract field fileObject fileProperty fileSet format includes isLiveDataset "
    "jsonPath key md5 parentField path recordSet references regex repeated replace samplingRate separator source "
    "subField transform"
)
_CONTEXT = {
    "@language": "en", "@vocab": "https://schema.org/", "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/", "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/", "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"}, "examples": {"@id": "cr:examples", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"}, **{term: f"cr:{term}" for term in _TERMS.split()},
}  # fmt: skip
_TAGS = {"onnx": "onnx", "litert": "tflite", "saved-model": "tensorflow"}


def kind_of(card: dict[str, Any]) -> str:
    """What the model is, in a few words."""
    what = "handwritten digits" if _of_digits(card) else f"{len(card['classes'])} classes"
    return f"a classifier of {what}"


def _of_digits(card: dict[str, Any]) -> bool:
    return tuple(card["classes"]) == DIGITS


def card_head(card: dict[str, Any]) -> str:
    """What the Hugging Face Hub reads of a card: licence, tags and the measured accuracy, as YAML."""
    mnist = card["data"]["source"] == "mnist"
    images = {"name": "MNIST", "type": "mnist"} if mnist else {"name": Path(card["data"]["source"]).name, "type": "own"}
    accuracy = {"type": "accuracy", "value": round(card["keras"]["test_accuracy"], 6)}
    result = {"task": {"type": "image-classification"}, "dataset": {**images, "split": "test"}, "metrics": [accuracy]}
    about = ["digits", "handwriting"] if _of_digits(card) else []
    head = {
        **({"license": "cc-by-sa-3.0", "datasets": ["mnist"]} if mnist else {}),
        "library_name": "keras", "pipeline_tag": "image-classification", "metrics": ["accuracy"],
        "tags": [*about, "mnist-kit", *(tag for form, tag in _TAGS.items() if form in card["forms"])],
        "model-index": [{"name": card["name"], "results": [result]}],
    }  # fmt: skip
    return yaml_text.write(head)


def citation(card: dict[str, Any], finished: str, environment: dict[str, Any]) -> str:
    """CITATION.cff of the model: by its weights' digest, with the code and the images that it came from."""
    source = environment.get("source")
    commit = {"commit": source["commit"]} if isinstance(source, dict) else {}
    code = {"type": "software", "title": COMPLETE, "version": environment["versions"][COMPLETE], **commit}
    cff = {
        "cff-version": "1.2.0",
        "message": "If this model was of use to you, please cite it as below.",
        "type": "software",
        "title": f"{card['name']}: {kind_of(card)}",
        **({"abstract": card["description"]} if card["description"] else {}),
        "authors": [{"name": "The author of this model"}],
        "date-released": finished[:10],
        "identifiers": [
            {"type": "other", "value": f"sha256:{card['weights_sha256']}", "description": "Digest of all weights"}
        ],
        "references": [
            code | {"authors": [{"name": f"The {COMPLETE} developers"}]},
            *([_MNIST] if card["data"]["source"] == "mnist" else []),
        ],
    }
    return "# Put your own name in the place of the author's.\n" + yaml_text.write(cff)


def croissant(source: str, images: dict[str, int], digests: dict[str, str]) -> dict[str, Any]:
    """The images of a run in Croissant's form; where they are a user's own, only the user knows licence and address."""
    mnist = source == "mnist"
    name = "mnist" if mnist else Path(source).name
    sizes = f"{images['train']:,} training and {images['test']:,} test images of 28x28 grey pixels with their labels"
    sums = f"sha256 of pixels and labels: {digests['train_sha256']} (training), {digests['test_sha256']} (test)"
    known = {
        "license": _MNIST_LICENCE, "url": "http://yann.lecun.com/exdb/mnist/", "datePublished": "1998-01-01",
        "creator": [
            {"@type": "sc:Person", "name": f"{each['given-names']} {each['family-names']}"}
            for each in _MNIST["authors"]
        ],
        "citeAs": "Yann LeCun, Corinna Cortes and Christopher J. C. Burges: " + _MNIST["title"],
    }  # fmt: skip
    return {
        "@context": _CONTEXT, "@type": "sc:Dataset", "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": name, "description": f"{sizes}. {sums}.", "version": "1.0.0", **(known if mnist else {}),
        "distribution": [_file(path) for path in files_of(source)],
    }  # fmt: skip


def _file(path: Path) -> dict[str, Any]:
    """A file as a part of a data set, by its digest: where it is, whoever has the package or the data knows.

    A folder of pictures is a set of files.
    """
    if path.is_dir():
        inside = {"encodingFormat": "image/*", "includes": "*/*/*"}
        return {"@type": "cr:FileSet", "@id": path.name, "name": path.name, **inside}
    kind = {".gz": "application/gzip", ".npz": "application/zip"}.get(path.suffix, "application/octet-stream")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "@type": "cr:FileObject", "@id": path.name, "name": path.name, "contentUrl": path.name,
        "encodingFormat": kind, "contentSize": f"{path.stat().st_size} B", "sha256": digest,
    }  # fmt: skip
