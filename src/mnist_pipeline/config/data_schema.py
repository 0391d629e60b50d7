"""The part of the schema that is about images: where they come from, which validate, what is drawn or mixed in."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from mnist_pipeline.numerals import MOST_CLASSES


class Settings(BaseModel):
    """Strict and frozen, so that a config means exactly what it says and stays what it was."""

    model_config = ConfigDict(
        strict=True, frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )


class Rendering(Settings):
    """Training digits drawn again as people and pens draw them, and seen the way a picture file is seen."""

    variants: Annotated[int, Field(ge=1, le=16)] = 4
    """Drawings of each training digit; an epoch takes one of them, or the digit as it came."""
    originals: Annotated[float, Field(ge=0, le=1)] = 0.33
    """Share of an epoch's digits that are taken as they came."""
    strokes: Annotated[float, Field(ge=0, le=1)] = 0.15
    """Share of the drawings made stroke by stroke, in styles that the training digits lack."""
    negatives: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Pictures without a digit for each digit of an epoch; their target is the same probability for every digit."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """Chooses the drawings; apart from training.seed, so that seeds share them."""


class OwnPictures(Settings):
    """A person's own pictures, which are mixed into the training images."""

    folder: Annotated[str, Field(min_length=1)]
    """Where they lie: each in a folder named by its class, or named itself, as in anna-7.jpg; or as IDX files."""
    share: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Share of an epoch's images of a class that they make at most, each taken several times."""
    copies: Annotated[int, Field(ge=1, le=10_000)] = 20
    """How often a picture is taken in an epoch at most; as many of the source are beside it as the share says."""
    beside: Annotated[int, Field(ge=100, le=1_000_000)] = 8000
    """The most images of the source that are taken beside them, the same share of every class."""


class DataSettings(Settings):
    """Where the images come from and which of them validate."""

    source: Annotated[str, Field(min_length=1)] = "mnist"
    """`mnist` (shipped with the package), a folder of IDX files, an .npz with Keras' names, or a folder of pictures."""
    classes: Annotated[tuple[str, ...], Field(min_length=2, max_length=MOST_CLASSES)] | None = None
    """Names of the classes by their numbers; null: as the source calls them, which for MNIST are the ten digits."""
    transposed: bool = False
    """Whether the source holds its images with rows and columns exchanged, as EMNIST does."""
    validation: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Share of the training images kept apart to validate on, the same share of every class."""
    split_seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """Chooses the validation images; apart from training.seed, so that seeds share one split."""
    rendering: Rendering | None = None
    """How training digits are drawn again; null takes every digit as it came."""
    own: OwnPictures | None = None
    """Pictures of one's own, to adapt a model to a hand; null for none."""
