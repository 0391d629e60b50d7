"""The part of the schema that no training reads: what a recipe was measured to give, and what is looked for in it."""

from typing import Annotated, Any, Literal

from pydantic import Field

from mnist_pipeline.config.data_schema import Settings


class Band(Settings):
    """Mean and standard deviation of a figure over seeds."""

    mean: Annotated[float, Field(ge=0)]
    """Mean over the seeds."""
    sd: Annotated[float, Field(ge=0)]
    """Standard deviation over the seeds."""


class Expected(Settings):
    """What this recipe was measured to give; written by a command, never by hand."""

    n: Annotated[int, Field(ge=2)] | None = None
    """Seeds measured."""
    test_accuracy: Band | None = None
    """Share of the test images that are right."""
    test_loss: Band | None = None
    """Loss on the test images."""
    weights_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """With portable numerics: digest of the weights from the recipe's seed, on every x86-64 processor with AVX2."""


class Search(Settings):
    """Where a setting may lie: from low to high, or among choices."""

    low: int | float | None = None
    """The least value; where it and `high` are whole numbers, only whole numbers are tried."""
    high: int | float | None = None
    """The greatest value, which is tried too."""
    log: bool = False
    """Try as many values from 0.001 to 0.01 as from 0.01 to 0.1."""
    choices: Annotated[tuple[Any, ...], Field(min_length=2, max_length=100)] | None = None
    """The values, in place of a range; of any kind that the setting takes."""


class Tune(Settings):
    """What `mnist tune` looks for."""

    score: Literal["val_accuracy", "val_loss"] = "val_accuracy"
    """The figure of the validation images by which trials are compared."""
    search: Annotated[dict[str, Search], Field(min_length=1, max_length=50)]
    """The settings that are tried, by their places such as training.optimizer.learning_rate."""
