"""The flags under which XLA compiles dense networks: for speed, or for the same machine code on every processor.

XLA reads them once, when TensorFlow is imported: they are set before, and asking for others later is refused.
"""

import os
import sys
from typing import Literal

from mnist_pipeline.errors import TrainingError

Numerics = Literal["fast", "portable"]

_FAST = ("--xla_cpu_prefer_vector_width=512",)  # where the processor has such vectors: a tenth faster

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
    """Add the flags to XLA_FLAGS, in front of TensorFlow's import; too late for that, they must be there already."""
    wanted, others = (_PORTABLE, _FAST) if numerics == "portable" else (_FAST, _PORTABLE)
    present = os.environ.get("XLA_FLAGS", "").split()
    if "tensorflow" not in sys.modules:
        kept = [flag for flag in present if flag not in (*wanted, *others)]
        os.environ["XLA_FLAGS"] = " ".join([*kept, *wanted])
    elif not all(flag in present for flag in wanted):
        raise TrainingError(
            f"training.numerics is {numerics}, and TensorFlow was loaded in this process before, under other flags, "
            f"which change the bits: train first, or in a process of its own"
        )


def set_flags_unless_chosen() -> None:
    """Those for speed, where nobody asked for others: the same bits however TensorFlow came to be loaded here."""
    present = os.environ.get("XLA_FLAGS", "").split()
    if "tensorflow" not in sys.modules and not all(flag in present for flag in _PORTABLE):
        set_flags("fast")
