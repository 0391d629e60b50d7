"""What the stages give back: frozen values, under the names that `--json` and metrics.json have for them."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Self, TypedDict

from mnist_pipeline.runs.run import Run


@dataclass(frozen=True, kw_only=True)
class Result:
    """The values of a stage, as attributes; in square brackets a name gives the same value as in `tree`."""

    stage: ClassVar[str]

    @classmethod
    def of(cls, run: Run) -> Self:
        """What the stage wrote into a run's metrics.json, and the run that it belongs to."""
        values = run.figures(cls.stage) | {"run": run.path, "name": run.name}
        return cls(**{field.name: values[field.name] for field in fields(cls) if field.name in values})

    def tree(self) -> dict[str, Any]:
        """The values as JSON has them; what a result need not have is left out where it has not."""
        values = {field: getattr(self, field.name) for field in fields(self)}
        return {
            field.name: str(value) if isinstance(value, Path) else value
            for field, value in values.items()
            if value is not None or field.default is not None
        }

    def __getitem__(self, name: str) -> Any:
        return self.tree()[name]


@dataclass(frozen=True, kw_only=True)
class Trained(Result):
    """A training: figures of the epoch whose weights were kept.

    Of an ensemble those of training are its members': sums, of loss and accuracy the mean.
    """

    stage = "train"
    run: Path
    name: str
    seed: int | None  # None for an ensemble
    epochs: int
    best_epoch: int | None  # None where the last epoch's weights were kept
    steps: int
    train_seconds: float
    train_loss: float
    train_accuracy: float
    val_loss: float | None  # None without validation images
    val_accuracy: float | None
    parameters: int
    weights_sha256: str
    data_sha256: str
    finished: str
    own_sha256: str | None = None  # of a person's own pictures; None where there are none
    start_sha256: str | None = None  # of the weights that training began with; None where the seed chose them
    members: list[dict[str, str]] | None = None  # of an ensemble: name and weights_sha256 of each
    sharpness: float | None = None  # the factor by which a calibrated model's scores were scaled


class ClassRow(TypedDict):
    """The test images of one class, and how many of them were read right."""

    label: str  # what the class is called
    digit: int | None  # the digit that the class is; None for any other class
    n: int
    right: int
    accuracy: float


@dataclass(frozen=True, kw_only=True)
class Evaluated(Result):
    """A run or a model file on the test images."""

    stage = "evaluate"
    run: Path | None = None
    name: str | None = None
    model: str | None = None  # in the place of a run: a model file, and the library that computed it
    runtime: str | None = None
    test_accuracy: float
    test_loss: float
    n: int
    per_class: list[ClassRow]
    confusion: list[list[int]]  # a row for each true class, a column for each answer
    report: dict[str, dict[str, float]]  # precision, recall and F1 of each class and on average
    ece: float  # expected calibration error
    most_confused: list[dict[str, int]]  # true and answer are numbers of classes: rows of per_class
    calibration: list[dict[str, float]]
    weights_sha256: str | None = None
    data_sha256: str | None = None


class CorruptionRow(TypedDict):
    """The test images corrupted in one way."""

    corruption: str
    accuracy: float  # of the likeliest class, refused or not
    refused: float  # the share below the threshold; 0 for a model that refuses nothing
    wrong: float  # the share that was answered, and wrongly


@dataclass(frozen=True, kw_only=True)
class Corrupted(Result):
    """A run or a model file on the test images, corrupted in fifteen ways."""

    stage = "corruptions"
    run: Path | None = None
    name: str | None = None
    model: str | None = None  # in the place of a run: a model file
    n: int
    threshold: float  # the confidence below which the model refuses; 0 where it refuses nothing
    clean: float  # accuracy on the images as they are
    rows: list[CorruptionRow]
    mean: float  # of the rows' accuracies
    data_sha256: str


@dataclass(frozen=True, kw_only=True)
class Exported(Result):
    """A run's exported forms; `card` is what card.json says of them."""

    run: Path
    card: dict[str, Any]

    @property
    def forms(self) -> dict[str, Any]:
        """Each form by its name: its files, its input and output, and the checks that it passed."""
        return dict(self.card["forms"])

    @property
    def files(self) -> list[Path]:
        """The exported files; a form that is a folder counts as one."""
        names = [file["file"].split("/")[0] for form in self.forms.values() for file in form["files"]]
        return [self.run / "export" / name for name in dict.fromkeys(names)]

    def tree(self) -> dict[str, Any]:
        """The card, and the run that it is about."""
        return {"run": str(self.run), **self.card}


@dataclass(frozen=True, kw_only=True)
class Benched(Result):
    """What each form of a run costs, and what could not be measured and why."""

    run: Path
    name: str
    rows: list[dict[str, Any]]
    left_out: list[str]
