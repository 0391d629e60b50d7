"""The schema of a recipe: typed, frozen, strict; every setting has its bounds and its meaning here."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from mnist_pipeline.config.data_schema import DataSettings, Settings
from mnist_pipeline.config.ensembles import EnsembleModel, together
from mnist_pipeline.config.outcome_schema import Expected, Tune
from mnist_pipeline.errors import ConfigError
from mnist_pipeline.numerals import DIGITS

Activation = Literal["relu", "elu", "gelu", "leaky_relu", "selu", "sigmoid", "silu", "tanh"]
Output = Literal["softmax", "sigmoid"]
Views = Literal[1, 5, 9]
Monitor = Literal["loss", "accuracy", "val_loss", "val_accuracy"]
Units = Annotated[int, Field(ge=1, le=8192)]
Share = Annotated[float, Field(ge=0, lt=1)]


class DenseModel(Settings):
    """Flatten, hidden layers, one unit a class."""

    family: Literal["dense"]
    """The kind of network."""
    hidden: Annotated[tuple[Units, ...], Field(max_length=16)] = (50, 50)
    """Units of each hidden layer."""
    activation: Activation = "relu"
    """Activation function of every hidden layer."""
    dropout: Share = 0.0
    """Share of each hidden layer's outputs dropped while training."""
    output: Output = "softmax"
    """Activation function of the last layer."""
    views: Views = 1
    """Views that an answer is the mean of: the image as it is, moved by a pixel to each side too (5), or corner (9)."""


class Convolution(Settings):
    """One block: convolution and activation, then, where asked for, batch normalisation, a sum and pooling."""

    filters: Units
    """Features computed at each place (output channels)."""
    kernel: Annotated[int, Field(ge=1, le=11)] = 3
    """Side of the square window, in pixels."""
    stride: Annotated[int, Field(ge=1, le=4)] = 1
    """Pixels from one window to the next, along each axis."""
    separable: bool = False
    """Each feature first filtered by itself, then all mixed at each place: far fewer weights than all at once."""
    batch_norm: bool = False
    """Normalise each feature over the batch, after the activation."""
    residual: Annotated[int, Field(ge=0, le=8)] = 0
    """Blocks, this one the last, around which their input is led and added; by a 1x1 convolution if sizes differ."""
    pool: Annotated[int, Field(ge=1, le=4)] = 1
    """Side of the max pooling window, behind all else; 1 is none."""


class CnnModel(Settings):
    """Convolution blocks, one row of features, hidden layers with dropout, one unit a class."""

    family: Literal["cnn"]
    """The kind of network."""
    convolutions: Annotated[tuple[Convolution, ...], Field(min_length=1, max_length=16)]
    """The blocks, from the image on."""
    pooling: Literal["flatten", "average"] = "flatten"
    """What follows the last block: every place's features in a row, or each feature's mean over all places."""
    hidden: Annotated[tuple[Units, ...], Field(max_length=16)] = (128,)
    """Units of each hidden layer after the convolutions."""
    activation: Activation = "relu"
    """Activation function of every block and every hidden layer."""
    norm_first: bool = False
    """Batch normalisation stands before the activation, in the place of a bias, instead of after it."""
    dropout: Share = 0.0
    """Share of the last hidden layer's outputs dropped while training."""
    output: Output = "softmax"
    """Activation function of the last layer."""
    views: Views = 1
    """Views that an answer is the mean of: the image as it is, moved by a pixel to each side too (5), or corner (9)."""


Model = DenseModel | CnnModel | EnsembleModel


class Optimizer(Settings):
    """How a gradient becomes a step."""

    name: Literal["adam", "adamw", "rmsprop", "sgd"] = "adam"
    """Update rule; Keras' defaults for what is not set here."""
    learning_rate: Annotated[float, Field(gt=0, le=10)] = 0.001
    """Size of a step; with a schedule, its peak."""
    beta_1: Share | None = None
    """Share that Adam's mean gradient keeps of itself at a step; null is Keras' 0.9."""
    beta_2: Share | None = None
    """Share that Adam's mean squared gradient keeps of itself at a step; null is Keras' 0.999."""
    weight_decay: Annotated[float, Field(ge=0, lt=1)] | None = None
    """Share of each weight, times the learning rate, that a step takes off; null is Keras' 0.004 for adamw, else 0."""


class EarlyStopping(Settings):
    """Stop when the monitored figure has not improved for `patience` epochs."""

    monitor: Monitor = "val_loss"
    """The figure that is watched."""
    patience: Annotated[int, Field(ge=1, le=10_000)] = 5
    """Epochs without an improvement until training stops."""
    min_delta: Annotated[float, Field(ge=0, le=1)] = 0.0
    """The least change that counts as an improvement."""


class Plateau(Settings):
    """Lower the learning rate when the monitored figure stands still."""

    monitor: Monitor = "val_loss"
    """The figure that is watched."""
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """The learning rate is multiplied by this."""
    patience: Annotated[int, Field(ge=1, le=10_000)] = 3
    """Epochs without an improvement until the rate is lowered."""
    min_delta: Annotated[float, Field(ge=0, le=1)] = 0.0001
    """The least change that counts as an improvement."""
    min_learning_rate: Annotated[float, Field(ge=0, le=10)] = 0.0
    """The rate is lowered no further than this."""


class OneCycle(Settings):
    """A learning rate that rises linearly to the optimizer's, then falls until the last step."""

    rise: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Share of all steps until the peak."""
    start: Share = 0.1
    """The first step's rate, as a share of the peak."""
    end: Share = 0.0
    """The rate after the last step, as a share of the peak."""
    shape: Literal["linear", "cosine"] = "linear"
    """How it falls: in a line, or as half a cosine wave, slowly at first and at last."""


class Averaging(Settings):
    """A moving average of all weights over the steps: it is what is validated and kept."""

    decay: Annotated[float, Field(gt=0, lt=1)] = 0.999
    """Share that the average keeps of itself at a step; smaller in the first steps."""


class Augmentation(Settings):
    """How far a training image may be turned, stretched, moved and bent, anew at every step; 0 leaves it alone."""

    rotation: Annotated[float, Field(ge=0, le=180)] = 0.0
    """Degrees, either way."""
    zoom: Annotated[float, Field(ge=0, le=0.9)] = 0.0
    """Share by which width and height each grow or shrink at most."""
    shift: Annotated[float, Field(ge=0, le=14)] = 0.0
    """Pixels, along each axis."""
    shear: Annotated[float, Field(ge=0, le=2)] = 0.0
    """Sideways pixels for each pixel of height, either way."""
    elastic: Annotated[float, Field(ge=0, le=14)] = 0.0
    """Pixels by which each part of an image is moved by itself, along each axis, so that strokes bend."""
    thickness: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of a pixel by which strokes grow or shrink on each side."""
    flip: bool = False
    """Whether every second image, by chance, is mirrored left to right, as clothes may be and digits may not."""


class Training(Settings):
    """Everything that turns an untrained model into this one."""

    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """Chooses the first weights, the order of the images, dropout and augmentation."""
    start: Annotated[str, Field(min_length=1)] | None = None
    """The model whose weights are the first ones: `shipped`, or a run's name or folder; null has the seed choose."""
    epochs: Annotated[int, Field(ge=1, le=10_000)]
    """How often training goes through all images; fewer where it stops early."""
    batch_size: Annotated[int, Field(ge=1, le=60_000)] = 32
    """Images in a step."""
    shuffle: Literal["every_epoch", "once"] = "every_epoch"
    """once: every epoch goes through the images in the first one's order, as Keras' fit does once a seed is set."""
    threads: Annotated[int, Field(ge=1, le=256)] = 1
    """Threads that training computes with: part of the recipe, as the bits of fast convolutions depend on it."""
    numerics: Literal["fast", "portable"] = "fast"
    """portable: slower, and the same bits on every x86-64 processor with AVX2; for CNNs shown for any threads only."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """bfloat16: a CNN's products in half the bits where the processor multiplies these; weights stay float32."""
    loss: Literal["sparse", "onehot", "binary"] = "sparse"
    """Cross-entropy on class numbers, on one-hot labels, or each class against the rest (binary)."""
    label_smoothing: Share = 0.0
    """Share of each training target that is spread over all classes; one-hot targets only."""
    optimizer: Optimizer = Optimizer()
    """The update rule and its step size."""
    schedule: OneCycle | None = None
    """How the learning rate changes from step to step; null leaves it as it is."""
    averaging: Averaging | None = None
    """A moving average of the weights; null keeps the weights of the last step."""
    augmentation: Augmentation | None = None
    """How training images are changed at random; null leaves them as they are."""
    early_stopping: EarlyStopping | None = None
    """When training stops before its last epoch; null goes through all of them."""
    plateau: Plateau | None = None
    """When the learning rate is lowered for want of progress; null never does."""
    keep_best: Monitor | None = None
    """Keep the weights of the epoch that is best by this figure; null keeps the last epoch's."""
    calibrate: bool = False
    """Scale the trained scores by the one factor under which the validation images' loss is least."""


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class Config(Settings):
    """A recipe: with its seed it names one result."""

    name: Name
    """Names the run folder, artifacts/<name>."""
    description: Annotated[str, Field(max_length=500)] = ""
    """What the recipe is, in a line for `mnist config list`."""
    data: DataSettings = DataSettings()
    """The images to train and to validate on."""
    model: Annotated[Model, Field(discriminator="family")]
    """The network, of one of two families, or an ensemble of such networks."""
    training: Training
    """How the network is trained; the config of an ensemble has none, as each member has its own."""
    expected: Expected | None = None
    """What this recipe was measured to give; null where it was not."""
    tune: Tune | None = None
    """What `mnist tune` looks for; null where nothing is said of it. No training reads it."""

    @classmethod
    def of(cls, tree: Any) -> "Config":
        """The config in a tree of plain values; in the place of an ensemble's training, what holds for all members."""
        model = tree.get("model") if isinstance(tree, dict) else None
        if isinstance(model, dict) and model.get("family") == "ensemble":
            given = tree.get("training", {})
            tree = {**tree, "training": together(model.get("members")) | given if isinstance(given, dict) else given}
        # As JSON, because strict mode takes a list for a tuple only there.
        return cls.model_validate_json(json.dumps(tree))

    @property
    def network(self) -> DenseModel | CnnModel:
        """The one network that is trained."""
        if isinstance(self.model, EnsembleModel):
            raise ConfigError(f"{self.name}: is an ensemble, made of trained runs: mnist ensemble RUN RUN")
        return self.model

    @property
    def members(self) -> tuple["Config", ...]:
        """The config of each member of an ensemble; of any other, none."""
        trees = self.model.members if isinstance(self.model, EnsembleModel) else ()
        return tuple(map(Config.of, trees))

    @property
    def views(self) -> int:
        """The number of views of an image that the network answers for; an ensemble's members have each their own."""
        return 1 if isinstance(self.model, EnsembleModel) else self.model.views

    @property
    def averages(self) -> bool:
        """Whether an answer is the mean of several: of members, or of one network's for several views of an image."""
        return isinstance(self.model, EnsembleModel) or self.views > 1

    def reading(self, source: str) -> "Config":
        """The same recipe with images that are somewhere else."""
        model: Any = self.model
        if isinstance(model, EnsembleModel):
            members = tuple({**tree, "data": {**tree["data"], "source": source}} for tree in model.members)
            model = model.model_copy(update={"members": members})
        data = self.data.model_copy(update={"source": source})
        return self.model_copy(update={"data": data, "model": model})

    def called(self, classes: Sequence[str]) -> "Config":
        """The same recipe with these classes, where it names none; ten digits need no names."""
        if self.data.classes is not None or tuple(classes) == DIGITS:
            return self
        return self.model_copy(update={"data": self.data.model_copy(update={"classes": tuple(classes)})})

    def tree(self) -> dict[str, Any]:
        """The complete config as plain lists and dictionaries."""
        return self._dumped(())

    def recipe(self) -> dict[str, Any]:
        """The part of the tree that decides what is trained: without the words and what is expected or looked for."""
        return self._dumped(("name", "description", "expected", "tune"))

    def _dumped(self, left_out: Sequence[str]) -> dict[str, Any]:
        apart = ["training"] if isinstance(self.model, EnsembleModel) else []
        return self.model_dump(mode="json", exclude={*left_out, *apart})

    def seeded(self, seed: int) -> "Config":
        """The same recipe with another seed, which is in the run's name too."""
        training = self.training.model_copy(update={"seed": seed})
        return self.model_copy(update={"name": f"{self.name}-seed{seed}", "training": training})
