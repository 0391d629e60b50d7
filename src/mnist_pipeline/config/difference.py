"""What differs between two trees of settings, a line each."""

import json
from typing import Any

_NOT_SET = object()


def differences(ours: dict[str, Any], theirs: dict[str, Any], block: str = "") -> list[str]:
    """Lines such as `training.epochs: 15 → 10`, in the order of the settings."""
    lines = []
    for key in dict.fromkeys([*ours, *theirs]):
        left, right = ours.get(key, _NOT_SET), theirs.get(key, _NOT_SET)
        if isinstance(left, dict) and isinstance(right, dict):
            lines += differences(left, right, f"{block}{key}.")
        elif left != right:
            lines.append(f"{block}{key}: {_shown(left)} → {_shown(right)}")
    return lines


def _shown(value: Any) -> str:
    return "not set" if value is _NOT_SET else json.dumps(value, ensure_ascii=False)
