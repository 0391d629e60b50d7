"""Numbers that others report about a model like ours, from configs/reported.yaml.

The file is as typed and strict as a recipe, but is none: `mnist config list` does not show it.
"""

import json
from typing import Annotated, Literal

from pydantic import Field, model_validator

from mnist_pipeline.config import yaml_text
from mnist_pipeline.config.recipes import configs_folder
from mnist_pipeline.config.schema import Name, Settings

Metric = Literal["test_accuracy", "test_loss", "worst_class", "train_accuracy", "train_loss", "train_seconds"]


class ReportedNumber(Settings):
    """One number that somebody reports."""

    source: Annotated[str, Field(pattern=r"^(R[1-5]|anchor)$")]
    recipe: Name | None  # the config that reproduces it; null where none does
    metric: Metric
    value: Annotated[float, Field(gt=0)]
    kind: Literal["exact", "about", "over"] = "exact"  # given in full, rounded, or as a lower bound
    sd: Annotated[float, Field(ge=0)] | None = None
    n: Annotated[int, Field(ge=2)] | None = None  # of runs, where the value is their mean
    claim: bool  # whether this project claims to reproduce it
    implausible: str = ""  # why the number cannot be right
    note: str = ""

    @model_validator(mode="after")
    def _claimable(self) -> "ReportedNumber":
        if self.claim and (self.implausible or self.recipe is None):
            raise ValueError("a number that is implausible or that no recipe reproduces cannot be claimed")
        return self


class _File(Settings):
    reports: tuple[ReportedNumber, ...]


def load_reported() -> tuple[ReportedNumber, ...]:
    """Every reported number, in the order of the file."""
    return _File.model_validate_json(json.dumps(yaml_text.read(configs_folder() / "reported.yaml"))).reports
