"""Starts TensorFlow for this process: quietly, on the processor alone, with the same bits every time.

Whoever needs keras or tensorflow imports them from here, so that no import escapes these settings.
"""

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from mnist_pipeline.errors import TrainingError
from mnist_pipeline.process import quiet_stderr
from mnist_pipeline.training.xla_flags import set_flags

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # below that TensorFlow prints about itself
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # the promises about bits and speed were measured on processors
os.environ["KERAS_BACKEND"] = "tensorflow"
# TensorFlow leaves this library off where a processor has no instructions for eight bits. On such a one, an AMD EPYC of
# the third generation, a step of cnn-nano takes 3.3 times as long without it, one of R3's network 1.5 times.
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"
os.environ.pop("TF_XLA_FLAGS", None)  # an unknown flag ends the process, others change what is compiled


def _own_process() -> bool:
    """Whether this is the command line or a worker of it, not a program or notebook that imports the library."""
    main = getattr(sys.modules["__main__"], "__spec__", None)
    return "mnist_pipeline.__main__" in sys.modules or bool(main and main.name.startswith("mnist_pipeline."))


@contextmanager
def _light() -> Iterator[None]:
    """Import TensorFlow and Keras in two thirds of the time: no garbage collection, no pandas, no matplotlib.

    Keras imports those two where they are installed, to read frames and to draw boxes with. Once hidden from it, it
    never finds them again, and a notebook could not fit a frame: so they are hidden in our own processes only.
    """
    hidden = [name for name in ("pandas", "matplotlib") if _own_process() and name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment] # import takes this for: not installed
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
        for name in hidden:
            del sys.modules[name]


set_flags(None)
with quiet_stderr(), _light():
    import keras
    import tensorflow as tf

# Without this a garbage collection in the middle of a training walks all objects of TensorFlow, for 0.2 s.
gc.freeze()

__all__ = ["keras", "start", "tf"]

_threads: list[int] = []


def start(threads: int | None = None) -> None:
    """Pin the threads and make every operation deterministic, once a process; None takes them as they are.

    TensorFlow cannot change its threads later, and the bits of a convolution depend on them: a training that
    asks for others than this process has is refused rather than given another result under the same name.
    """
    if not _threads:
        try:
            tf.config.threading.set_intra_op_parallelism_threads(threads or 1)
            tf.config.threading.set_inter_op_parallelism_threads(1)
        except RuntimeError:
            reason = "TensorFlow was used in this process before, so its threads cannot be pinned any more"
            raise TrainingError(f"{reason}: train first, or in a process of its own") from None
        tf.config.experimental.enable_op_determinism()
        _threads.append(threads or 1)
    elif threads not in (None, _threads[0]):
        reason = f"training.threads is {threads}, and this process already computes with {_threads[0]}"
        raise TrainingError(f"{reason}: train it in a process of its own")
