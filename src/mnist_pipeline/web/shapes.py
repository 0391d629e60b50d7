"""The shapes of the answers, from which the API's description is made."""

from pydantic import BaseModel, Field


class Step(BaseModel):
    """One step of the way from the picture to the 28x28 pixels that the model saw."""

    title: str
    image: str = Field(description="A PNG as a data: URL.")


class Prediction(BaseModel):
    """The answer for one picture, with the keys of `mnist predict --json`."""

    image: str = Field(description="The name that the file was sent with.")
    digit: int | None = Field(description="The digit; null when the picture is refused, or is of a class that is none.")
    label: str | None = Field(description="The class by its name; null when the picture is refused.")
    guess: int | None = Field(description="The number of the nearest class, for digits the digit; null for nothing.")
    nearest: str | None = Field(description="The nearest class by its name; null when there was nothing to look at.")
    confidence: float | None = Field(description="The probability of the guess.")
    probabilities: list[float] | None = Field(description="Of each class, for digits from 0 to 9.")
    inverted: bool | None = Field(description="Whether dark ink was made light.")
    reason: str | None = Field(description="Why the picture is refused.")
    model: str
    error: str | None = Field(None, description="Why the picture cannot be read; only in a batch.")
    explanation: list[list[float]] | None = Field(
        None, description="What the guess loses by a patch over each of the 28x28 pixels."
    )


class Answer(Prediction):
    """The answer for one picture, and how long it took."""

    sentence: str = Field(description="What the picture shows, in words.")
    steps: list[Step] | None = Field(None, description="From the picture to 28x28; only if asked for.")
    milliseconds: float = Field(description="How long reading and answering took, waiting left out.")


class Batch(BaseModel):
    """The answers for several pictures, in their order."""

    answers: list[Prediction]
    milliseconds: float


class PageDigit(BaseModel):
    """A digit or a letter on a page."""

    digit: int | None = Field(description="The digit; null when it is refused, or is a letter.")
    label: str | None = Field(description="The digit or letter; null when it is refused.")
    confidence: float
    guess: int
    nearest: str
    box: list[int] = Field(description="x, y, width and height in pixels of the picture, upright.")


class Page(BaseModel):
    """Every digit on a page, with the keys of `mnist predict --all --json`."""

    image: str
    model: str
    digits: list[PageDigit]
    text: str = Field(description="The digits line by line; ? stands for a refused one.")
    left_out: int | None = Field(None, description="Shapes beyond those that are read on one page.")
    milliseconds: float


class Model(BaseModel):
    """A model that can be asked."""

    name: str
    first: bool = Field(description="Whether it is asked where a request names none.")
    test_accuracy: float | None
    refuses: bool = Field(description="Whether it was trained to tell what is no digit.")
    classes: list[str] = Field(description="The names of its classes, in the order of the probabilities.")


class ModelList(BaseModel):
    """The models that can be asked."""

    models: list[Model]


class State(BaseModel):
    """How the service is."""

    state: str


class Error(BaseModel):
    """Why a request was not answered, in words."""

    error: str
