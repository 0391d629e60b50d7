"""The files of a run by name: what stands where in its folder."""

from dataclasses import dataclass
from pathlib import Path

CONFIG = "config.yaml"
FOLDERS = ("checkpoint", "plots", "export")
# What a run makes, in the order in which it is taken away: the mark of a finished one first. The config is written
# over and never taken away, because it says that the folder is a run's; nothing else in there is ever touched.
MADE = ("metrics.json", "environment.json", "split.json", "history.json", "history.csv", "refusal.json",
        "model.keras", "model.onnx", "report.html", *FOLDERS)  # fmt: skip


@dataclass(frozen=True)
class RunFiles:
    """A run's folder and what stands where in it; the stages write it."""

    path: Path

    @property
    def name(self) -> str:
        """The run's name, which is its folder's."""
        return self.path.resolve().name

    @property
    def config_file(self) -> Path:
        """The complete config, written first; enough to train the run again."""
        return self.path / CONFIG

    @property
    def environment_file(self) -> Path:
        """What the run was made with."""
        return self.path / "environment.json"

    @property
    def split_file(self) -> Path:
        """The indices of the training images that validated."""
        return self.path / "split.json"

    @property
    def metrics_file(self) -> Path:
        """The numbers: written last by training, which makes a run trained; evaluation adds its own."""
        return self.path / "metrics.json"

    @property
    def model_file(self) -> Path:
        """The trained Keras model."""
        return self.path / "model.keras"

    @property
    def onnx_file(self) -> Path:
        """The same model as ONNX, which predicts."""
        return self.path / "model.onnx"

    @property
    def exports(self) -> Path:
        """The forms that leave the framework, and their card."""
        return self.path / "export"

    @property
    def export_card_file(self) -> Path:
        """What was exported and how it was proven; card.md beside it is the same for people."""
        return self.exports / "card.json"

    @property
    def refusal_file(self) -> Path:
        """How sure the model must be to answer, where training chose it."""
        return self.path / "refusal.json"

    @property
    def history_file(self) -> Path:
        """Every epoch's figures; history.csv beside it holds the same."""
        return self.path / "history.json"

    @property
    def checkpoints(self) -> Path:
        """What an unfinished training goes on from."""
        return self.path / "checkpoint"

    @property
    def plots(self) -> Path:
        """The pictures."""
        return self.path / "plots"

    @property
    def report_file(self) -> Path:
        """The page that shows it all."""
        return self.path / "report.html"
