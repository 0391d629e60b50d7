"""The numbers that others report, from configs/reported.yaml: typed and strict like a recipe, but not one."""

import json
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from mnist_pipeline.config.recipes import configs_folder, read_tree
from mnist_pipeline.config.schema import Name, Settings
from mnist_pipeline.errors import ConfigError

Metric = Literal["test_accuracy", "test_loss", "worst_class", "train_accuracy", "train_loss", "train_seconds"]


class Report(Settings):
    """One reported number."""

    source: Annotated[str, Field(pattern=r"^(R[1-5]|anchor)$")]
    recipe: Name | None
    """The config that repeats it; null where none does."""
    metric: Metric
    value: Annotated[float, Field(gt=0)]
    kind: Literal["exact", "about", "over"] = "exact"
    """As it stands there, rounded there, or a lower bound."""
    sd: Annotated[float, Field(ge=0)] | None = None
    n: Annotated[int, Field(ge=2)] | None = None
    """Runs behind it, where it is a mean."""
    claim: bool
    """Whether this project claims to reproduce it."""
    implausible: str = ""
    """Why the report cannot be right."""
    note: str = ""

    @model_validator(mode="after")
    def _claims_only_what_can_be(self) -> "Report":
        if self.claim and (self.implausible or self.recipe is None):
            raise ValueError("a number that is implausible or that no recipe repeats cannot be claimed")
        return self


class _File(Settings):
    reports: tuple[Report, ...]


def load_reports() -> tuple[Report, ...]:
    """Every reported number, in the order of the file."""
    path = configs_folder() / "reported.yaml"
    try:
        return _File.model_validate_json(json.dumps(read_tree(path))).reports
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        place = ".".join(str(step) for step in fault["loc"])
        raise ConfigError(f"{path}: {place}: {fault['msg']}") from None


def reports_on(recipe: str) -> tuple[Report, ...]:
    """The reported numbers that a recipe repeats."""
    return tuple(report for report in load_reports() if report.recipe == recipe)
