"""The flags under which XLA compiles dense networks: for speed, or for the same machine code on every processor.

XLA reads them once, when TensorFlow is imported: they are set before, and asking for others later is refused.
"""

import os
import sys
from typing import Literal

from mnist_pipeline.errors import TrainingError

Numerics = Literal["fast", "portable"]

_FAST = ("--xla_cpu_prefer_vector_width=512",)  # where the processor has such vectors: a tenth faster, same bits

_PORTABLE = (
    # AVX and no more takes something away from every processor with AVX2. Only then does XLA give up the host's
    # name for a fixed one, and with it the host's scheduling, cost model and fused multiply-adds.
    "--xla_cpu_max_isa=AVX",
    # XLA's own matrix product with fixed tiles, instead of a library's that chooses by processor, cache and threads.
    "--xla_cpu_multi_thread_eigen=false",
    # No approximate reciprocal roots, which makers of processors round differently.
    "--xla_backend_extra_options=xla_force_enable_experimental_llvm_ir_gemm,xla_cpu_disable_platform_dependent_math",
    # Nor large sums through a library that chooses by processor.
    "--xla_cpu_experimental_ynn_fusion_type=",
)


def set_flags(numerics: Numerics) -> None:
    """Add the flags to XLA_FLAGS, in front of TensorFlow's import."""
    wanted = _PORTABLE if numerics == "portable" else _FAST
    present = os.environ.get("XLA_FLAGS", "").split()
    if "tensorflow" in sys.modules:
        if (numerics == "portable") != all(flag in present for flag in _PORTABLE):
            raise TrainingError(
                f"training.numerics is {numerics}, and TensorFlow was already loaded for the other kind in this "
                f"process: train it in a process of its own"
            )
        return
    os.environ["XLA_FLAGS"] = " ".join([*(flag for flag in present if flag not in wanted), *wanted])
