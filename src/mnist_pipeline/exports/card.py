"""The way from a picture to a model's input, for those who have only the exported file: in words, and as code."""

import hashlib
from pathlib import Path
from typing import Any

WORDS = (
    "One digit, light on dark, as MNIST holds it: grey values, inverted if the picture's border is light; what is "
    "darker than Otsu's threshold set to 0; cut out, shrunk or grown to fit 20x20 with its proportions kept, and laid "
    "into 28x28 with its centre of mass in the middle. Then pixel / 255, or what the form's input range says. "
    "`mnist predict` does the same with more care: uneven light, several shapes, pictures that hold no digit."
)

SNIPPET = '''\
import cv2
import numpy as np

def digit(path):
    """The picture's one digit as (28, 28) bytes, light on dark."""
    grey = cv2.imread(path, cv2.IMREAD_GRAYSCALE)
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    grey = 255 - grey if border.mean() > 127.5 else grey
    ink = cv2.threshold(grey, 0, 255, cv2.THRESH_TOZERO | cv2.THRESH_OTSU)[1]
    x, y, w, h = cv2.boundingRect(ink)
    size = [max(1, round(20 * side / max(w, h))) for side in (w, h)]
    small = cv2.resize(ink[y:y + h, x:x + w], size, interpolation=cv2.INTER_AREA)
    moments = cv2.moments(small)
    right, down = (round(14 - moments[axis] / moments["m00"]) for axis in ("m10", "m01"))
    return cv2.warpAffine(small, np.float32([[1, 0, right], [0, 1, down]]), (28, 28))
'''


_SIGMOID = (
    "Ten sigmoids, each for its class alone: they do not add up to one. The highest is the answer; for probabilities "
    "take p / (1 - p) of each and divide by their sum."
)
_SOFTMAX = "Ten probabilities that add up to one, for the digits 0 to 9."
_LICENCES = {
    "mnist": "MNIST (LeCun, Cortes, Burges), CC BY-SA 3.0",
}


def files_of(paths: list[Path]) -> list[dict[str, Any]]:
    """Name, size and digest of every file, those of a folder by their paths in it."""
    found = []
    for path in paths:
        inside = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        for file in inside:
            content = file.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            name = file.relative_to(path.parent).as_posix()
            found.append({"file": name, "bytes": len(content), "sha256": digest})
    return found


def meaning(output: str) -> dict[str, Any]:
    """What a form's scores are."""
    return {"scores": output, "needs_normalising": output == "sigmoid"}


def licence(source: str) -> str:
    """Under which licence the images are that the model learned from."""
    return _LICENCES.get(source, f"that of {Path(source).name}, which only its owner knows")


def still_there(forms: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Of the forms on an earlier card, those whose files are what it says."""
    return {
        name: form
        for name, form in forms.items()
        if all(
            (folder / file["file"]).is_file()
            and hashlib.sha256((folder / file["file"]).read_bytes()).hexdigest() == file["sha256"]
            for file in form["files"]
        )
    }


def preparation() -> dict[str, str]:
    """How a picture becomes an input."""
    return {"words": WORDS, "snippet": SNIPPET}


def markdown(card: dict[str, Any]) -> str:
    """The card as a page."""
    forms = card["forms"]
    rows = [
        f"| {name} | {_named(form)} | {sum(file['bytes'] for file in form['files']):,} | {check['reader']} "
        f"| {check['accuracy']:.2%} | {check['agreement']:.2%}{_ties(check)} | {check['largest_difference']:.1e} |"
        for name, form in forms.items()
        for check in form["checks"]
    ]
    parts = [
        f"# {card['name']}: a classifier of handwritten digits",
        f"{card['description']}\n\nWeights `{card['weights_sha256'][:16]}`, {card['parameters']:,} parameters. "
        f"In Keras it is right on {card['keras']['test_accuracy']:.2%} of the {card['keras']['n']:,} test images.",
        "## Files\n\n| form | file | bytes | read by | accuracy | labels as Keras | scores within |\n"
        "|---|---|---|---|---|---|---|\n" + "\n".join(rows),
        "Each file was run over all test images and held against the Keras model before it was kept. In float: the "
        "same labels, scores within 1e-5; a tie is an image with another label that Keras scores within 1e-5 of its "
        "own, and counts as the same. In eight bits: at most 0.10 points of accuracy lost; their steps come from "
        f"{card['calibration_images']} training images.",
        "## Input and output\n\n" + "\n".join(_ends(name, form) for name, form in forms.items()),
        f"Classes: {', '.join(card['classes'])}, in this order.{_refusal(card)}",
        f"## From a picture to the input\n\n{card['preparation']['words']}\n\n```python\n"
        f"{card['preparation']['snippet']}```",
        "## Digests (sha256)\n\n" + "\n".join(_digests(card)),
        f"## Data\n\n{card['data']['licence']}. Training images {card['data']['train_sha256'][:16]}, test images "
        f"{card['data']['test_sha256'][:16]} (sha256 of pixels and labels).",
    ]
    return "\n\n".join(parts) + "\n"


def _refusal(card: dict[str, Any]) -> str:
    if not card["refuses_below"]:
        return ""
    return f" A picture whose highest probability is below {card['refuses_below']} holds no digit."


def _named(form: dict[str, Any]) -> str:
    names = dict.fromkeys(file["file"].split("/")[0] for file in form["files"])
    return ", ".join(names)


def _ties(check: dict[str, Any]) -> str:
    return f", {check['ties']} of them ties" if check["ties"] else ""


def _ends(name: str, form: dict[str, Any]) -> str:
    into, out = form["input"], form["output"]
    text = f"- **{name}** takes `{into['name']}` {_shape(into)}, {into['range']}; gives `{out['name']}` {_shape(out)}"
    if "scale" in out:
        text += f", each (value - ({out['zero_point']})) * {out['scale']:.9g}"
    return f"{text}. {_SIGMOID if form['needs_normalising'] else _SOFTMAX}"


def _shape(end: dict[str, Any]) -> str:
    return f"{end['type']} ({', '.join(map(str, end['shape']))})"


def _digests(card: dict[str, Any]) -> list[str]:
    files = [file for form in card["forms"].values() for file in form["files"]]
    return [f"- weights `{card['weights_sha256']}`", *(f"- {file['file']} `{file['sha256']}`" for file in files)]
