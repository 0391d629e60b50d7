"""A working copy of a dense network, laid out for speed.

XLA hands matrix products on a processor to Eigen, which is about twice as fast when the contiguous side of the
result is the batch, a multiple of the vector width, instead of, say, 50 features. So the copy holds its kernels as
(out, in) and its activations as (features, batch); the update rule is the same weight by weight.
"""

from mnist_pipeline.training.backend import keras, tf
from mnist_pipeline.training.epochs import Program


class DenseTwin:
    """Flatten, dense and dropout layers of a model over transposed copies of its weights.

    It has its own variables and optimizer. `load` and `store` copy all state from and to the model, so that between
    epochs callbacks and checkpoints see the true weights, moments and learning rate.
    """

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self.layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
        self.weights = [keras.Variable(_turned(weight.value)) for weight in model.trainable_variables]
        self.optimizer = type(model.optimizer).from_config(model.optimizer.get_config())
        self.optimizer.build(self.weights)
        self._pairs = [
            *zip(model.trainable_variables, self.weights, strict=True),
            *zip(model.optimizer.variables, self.optimizer.variables, strict=True),
        ]

    # Graphs of their own: inside the XLA program these copies would be a third of what there is to compile.
    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def load(self) -> None:
        """Take over the model's state."""
        for original, twin in self._pairs:
            twin.assign(_turned(original.value))

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def store(self) -> None:
        """Give the state back to the model."""
        for original, twin in self._pairs:
            original.assign(_turned_back(twin.value, len(original.shape)))

    def around(self, program: Program) -> Program:
        """The program between taking over the model's state and giving it back."""

        def run(*which: tf.Tensor) -> None:
            self.load()
            program(*which)
            self.store()

        return run

    def train_step(self, batch: tuple[tf.Tensor, tf.Tensor]) -> None:
        """Keras' own loss, optimizer and metrics around the twin's forward pass."""
        images, targets = batch
        with tf.GradientTape() as tape:
            outputs = self._forward(images)
            loss = self.model.compute_loss(y=targets, y_pred=outputs, training=True)
        self.optimizer.apply(tape.gradient(loss, [weight.value for weight in self.weights]), self.weights)
        self.model.metrics[0].update_state(loss, sample_weight=tf.shape(targets)[0])
        self.model.compute_metrics(None, targets, outputs)

    def _forward(self, images: tf.Tensor) -> tf.Tensor:
        columns, as_rows = tf.reshape(images, (images.shape[0], -1)), True
        weights = iter(self.weights)
        for layer in self.layers:
            if isinstance(layer, keras.layers.Dense):
                columns = tf.matmul(next(weights).value, columns, transpose_b=as_rows) + next(weights).value
                if layer is self.layers[-1]:
                    # Before the activation: Keras hangs the logits on its result, and the loss computes with them.
                    columns = tf.transpose(columns)
                columns, as_rows = layer.activation(columns), False
            elif isinstance(layer, keras.layers.Dropout):
                columns = layer(columns, training=True)
        return columns


def _turned(value: tf.Tensor) -> tf.Tensor:
    """A kernel with its sides changed, a bias as a column, a scalar as it is."""
    rank = len(value.shape)
    return tf.transpose(value) if rank == 2 else tf.expand_dims(value, 1) if rank == 1 else tf.identity(value)


def _turned_back(value: tf.Tensor, rank: int) -> tf.Tensor:
    return tf.transpose(value) if rank == 2 else tf.squeeze(value, 1) if rank == 1 else value
