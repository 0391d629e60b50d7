"""The flags under which XLA compiles dense networks: for speed, or for the same machine code on every processor.

XLA reads them once, when TensorFlow first compiles: they are set before it is imported, and asking for others later
is refused. Of the flags that the user has put into XLA_FLAGS only --xla_dump_... stays, which changes no result: a
config and a seed name a result, whoever trains it.
"""

import os
import sys
from typing import Literal

from mnist_pipeline.errors import TrainingError

Numerics = Literal["fast", "portable"]

_FAST = ("--xla_cpu_prefer_vector_width=512",)  # a tenth faster where the processor has such vectors

_PORTABLE = (
    # AVX and no more takes something away from every processor with AVX2. Only then does XLA give up the host's
    # name for a fixed one, and with it the host's scheduling, cost model and fused multiply-adds.
    "--xla_cpu_max_isa=AVX",
    # XLA's own matrix product with fixed tiles, instead of a library's that chooses by processor, cache and threads.
    "--xla_cpu_multi_thread_eigen=false",
    # No approximate reciprocal roots, which makers of processors round differently.
    "--xla_backend_extra_options=xla_force_enable_experimental_llvm_ir_gemm,xla_cpu_disable_platform_dependent_math",
    # No large sums through a library that chooses by processor.
    "--xla_cpu_experimental_ynn_fusion_type=",
)


def set_flags(numerics: Numerics | None) -> None:
    """Put the flags into XLA_FLAGS before TensorFlow is imported; once it is, exactly these must be set already.

    None is for those who load TensorFlow without a training: the portable flags stay where they are set.
    """
    asked = os.environ.get("XLA_FLAGS", "").split()
    dumps = [flag for flag in asked if flag.startswith("--xla_dump_")]
    present = set(asked) - set(dumps)  # on which a result depends
    portable = numerics == "portable" or (numerics is None and present == set(_PORTABLE))
    wanted = _PORTABLE if portable else _FAST
    if "tensorflow" not in sys.modules:
        os.environ["XLA_FLAGS"] = " ".join([*dumps, *wanted])
    elif numerics and present != set(wanted):
        reason = f"training.numerics is {numerics}, and TensorFlow was loaded in this process before, under other flags"
        raise TrainingError(f"{reason}, which change the bits: train first, or in a process of its own")
