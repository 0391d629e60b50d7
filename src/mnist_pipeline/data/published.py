"""The data sets that can be fetched: where each is published, the digests of its files, and where it is kept here."""

import os
from pathlib import Path
from typing import NamedTuple

from mnist_pipeline.errors import DataError, meant
from mnist_pipeline.process import WINDOWS


class Remote(NamedTuple):
    """A file of a data set as its publisher gives it out."""

    name: str
    md5: str
    """As it is published. No second file with the MD5 of a given one can be made; that pairs can is no harm here."""
    addresses: tuple[str, ...]  # of the publisher first, then mirrors


class Published(NamedTuple):
    """A data set that can be fetched."""

    title: str
    page: str  # of the publisher
    files: tuple[Remote, ...]
    members: str = ""  # of the archive that its one file is, the names of those that are kept begin with this
    classes: tuple[str, ...] = ()  # as the publisher calls them; without names they are numbers


def _four(bases: tuple[str, ...], files: dict[str, str]) -> tuple[Remote, ...]:
    return tuple(Remote(name, md5, tuple(base + name for base in bases)) for name, md5 in files.items())


_IDX = ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte.gz")  # fmt: skip


def _idx(bases: tuple[str, ...], *digests: str) -> tuple[Remote, ...]:
    return _four(bases, dict(zip(_IDX, digests, strict=True)))


def _kannada(number: int, name: str, md5: str) -> Remote:
    """A file of Kannada-MNIST, which has names of its own, under the name that MNIST's has."""
    base = "https://github.com/vinayprabhu/Kannada_MNIST/raw/master/data/output_tensors/MNIST_format/"
    return Remote(_IDX[number], md5, (base + name,))


# One archive of half a gigabyte holds all six parts.
_EMNIST = Remote(
    "emnist-gzip.zip", "58c8d27c78d21e728a6bc7b3cc06412e",
    ("https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip", "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/gzip.zip"),
)  # fmt: skip
_EMNIST_PAGE = "https://www.nist.gov/itl/products-and-services/emnist-dataset"

SETS: dict[str, Published] = {
    "fashion": Published(
        "Fashion-MNIST", "https://github.com/zalandoresearch/fashion-mnist",
        _idx(  # the digests stand on the publisher's page
            ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
             "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"),
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d", "25c81989df183df01b3e8a0aad5dffbe",
            "bef4ecab320f06d8554ea6380940ec79", "bb300cfdad3c16e7a12a480ee83cd310",
        ),
        classes=("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
                 "Ankle boot"),
    ),
    "kmnist": Published(
        "Kuzushiji-MNIST", "https://github.com/rois-codh/kmnist",
        _idx(  # the digests are those that torchvision checks, as for EMNIST and QMNIST
            ("https://codh.rois.ac.jp/kmnist/dataset/kmnist/", "http://codh.rois.ac.jp/kmnist/dataset/kmnist/"),
            "bdb82020997e1d708af4cf47b453dcf7", "e144d726b3acfaa3e44228e80efcd344",
            "5c965bf0a639b31b8f53240b1b52f4d7", "7320c461ea6c1c855c0b718fb2a4b134",
        ),
        classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    ),
    "kannada": Published(
        "Kannada-MNIST", "https://github.com/vinayprabhu/Kannada_MNIST",
        (  # the publisher gives no digests: these are what one library of others checks
            _kannada(0, "X_kannada_MNIST_train-idx3-ubyte.gz", "db2cd247b479801b3a882ab980b340c3"),
            _kannada(1, "y_kannada_MNIST_train-idx1-ubyte.gz", "f1f06031670554894b697988b906b036"),
            _kannada(2, "X_kannada_MNIST_test-idx3-ubyte.gz", "8682876e8fbc8cd0e7bb07fc2f502335"),
            _kannada(3, "y_kannada_MNIST_test-idx1-ubyte.gz", "b426d27d50a5fd8411b9e5838868be4b"),
        ),
    ),
    "qmnist": Published(
        "QMNIST", "https://github.com/facebookresearch/qmnist",
        _four(
            ("https://raw.githubusercontent.com/facebookresearch/qmnist/master/",),
            {
                "qmnist-train-images-idx3-ubyte.gz": "ed72d4157d28c017586c42bc6afe6370",
                "qmnist-train-labels-idx2-int.gz": "0058f8dd561b90ffdd0f734c6a30e5e4",
                "qmnist-test-images-idx3-ubyte.gz": "1394631089c404de565df7b7aeaf9412",
                "qmnist-test-labels-idx2-int.gz": "5b5b05890a5e13444e108efe57b788aa",
            },
        ),
    ),
} | {
    f"emnist-{part}": Published(f"EMNIST {part}", _EMNIST_PAGE, (_EMNIST,), f"emnist-{part}-")
    for part in ("letters", "balanced", "digits", "byclass", "bymerge", "mnist")
}  # fmt: skip


def published(name: str) -> Published:
    """The data set of that name; DataError where there is none to fetch."""
    if name == "mnist":
        raise DataError("mnist comes with the package: there is nothing to fetch")
    if name not in SETS:
        raise DataError(f"{name}: no data set that can be fetched. {meant(name, SETS)}Known are {', '.join(SETS)}")
    return SETS[name]


def kept_in() -> Path:
    """The folder that fetched data sets lie in: $MNIST_DATA, or else mnist-kit in the user's cache folder."""
    if chosen := os.environ.get("MNIST_DATA"):
        return Path(chosen).expanduser()
    cache = os.environ.get("LOCALAPPDATA" if WINDOWS else "XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111 - which raises nothing without a home
    if not Path(cache).is_absolute():
        raise DataError("there is no home folder to keep data sets in: set MNIST_DATA to a folder")
    return Path(cache) / "mnist-kit"


def fetched(source: str) -> Path | None:
    """The folder of a fetched data set, for its name; None for a source that is none."""
    if source not in SETS or os.path.lexists(source):  # a file or folder of that name here is what is meant
        return None
    folder = kept_in() / source
    if not folder.is_dir():
        raise DataError(f"{source}: not fetched yet. Fetch it: mnist data fetch {source}")
    return folder
