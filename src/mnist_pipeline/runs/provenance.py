"""What a result came from, apart from its config: versions, processor, environment variables, commit."""

import hashlib
import os
import platform
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from mnist_pipeline import __version__
from mnist_pipeline.packages import COMPLETE

CODE: dict[str, str | None] = {COMPLETE: __version__}  # under whichever name it was installed
# Packages whose version can change a number or a file.
_PACKAGES = ("tensorflow", "keras", "numpy", "opencv-python-headless", "onnx", "tf2onnx")
# By which TensorFlow and XLA compute.
_FLAGS = ("TF_ENABLE_ONEDNN_OPTS", "TF_XLA_FLAGS", "XLA_FLAGS")
_ROOT = Path(__file__).parents[3]  # of the checkout, where there is one
_INSTRUCTIONS = ("sse4_2", "avx", "avx2", "fma", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "sve")


def environment(threads: int) -> dict[str, Any]:
    """What a reader needs to judge or repeat a result, and nothing personal; training adds the digest of its data."""
    return {
        "versions": CODE | versions(_PACKAGES),
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "processor": _processor(),
        "threads": threads,
        "source": _source(),
        "lock": _lock(),
        "flags": {name: os.environ[name] for name in _FLAGS if name in os.environ},
    }


def versions(packages: Iterable[str]) -> dict[str, str | None]:
    """The versions of packages; None for one that is not installed."""
    return {name: next((found.version for found in metadata.distributions(name=name)), None) for name in packages}


def multiplies_bfloat16() -> bool:
    """Whether the processor has instructions for products in bfloat16, as far as Linux tells."""
    return not {"avx512_bf16", "amx_bf16"}.isdisjoint(_processor()["instructions"])


def _processor() -> dict[str, Any]:
    """Model, cores and instruction sets as Linux lists them; elsewhere what Python knows."""
    text = ""
    with suppress(OSError):
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split("\n\n")[0]
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in text.splitlines())}
    flags = (facts.get("flags") or facts.get("Features") or "").split()
    return {
        "model": facts.get("model name", platform.processor()),
        "cores": os.cpu_count(),
        "instructions": [name for name in _INSTRUCTIONS if name in flags],
    }


def _source() -> dict[str, Any] | None:
    """Commit of the checkout this runs from and whether files in it were changed; None when installed."""
    if not (_ROOT / ".git").exists():
        return None
    commit = _git("rev-parse", "HEAD")
    return None if commit is None else {"commit": commit, "dirty": bool(_git("status", "--porcelain"))}


def _lock() -> str | None:
    """Digest of the locked packages in the checkout; None when installed."""
    path = _ROOT / "requirements.lock"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def _git(*words: str) -> str | None:
    command = ["git", "-C", str(_ROOT), *words]  # wherever the user's PATH has it
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)  # noqa: S603 - no shell
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
