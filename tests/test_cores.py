"""A process takes as many cores as it may have and as its container gives it time for."""

import os
from pathlib import Path

import pytest

from mnist_pipeline import process as module
from mnist_pipeline.process import cores


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of 64 cores whose files are all ours."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    monkeypatch.delenv("PYTHON_CPU_COUNT", raising=False)
    monkeypatch.setattr(module, "SYSTEM", tmp_path)
    return tmp_path


def write(root: Path, files: dict[str, str]) -> None:
    """Files below the root by their paths."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


OWN, TOP = "proc/self/cgroup", "sys/fs/cgroup"


def test_without_control_groups_every_core_is_there() -> None:
    assert cores() == 64


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("200000 100000\n", 2),
        ("max 100000\n", 64),
        ("250000 100000\n", 3),
        ("10000 100000\n", 1),
        ("9900000 100000\n", 64),
        ("200000 0\n", 64),
        ("odd\n", 64),
    ],
)
def test_a_containers_quota_is_the_number_of_cores(limit: str, expected: int, root: Path) -> None:
    write(root, {OWN: "0::/\n", f"{TOP}/cpu.max": limit})
    assert cores() == expected


def test_the_least_quota_of_all_groups_around_counts(root: Path) -> None:
    write(root, {OWN: "0::/a/b/c\n", f"{TOP}/a/cpu.max": "300000 100000\n"})
    write(root, {f"{TOP}/a/b/cpu.max": "max 100000\n", f"{TOP}/a/b/c/cpu.max": "800000 100000\n"})
    assert cores() == 3


def test_a_path_of_the_hosts_leads_to_the_containers_own_folder(root: Path) -> None:
    for path in ("/docker/5ec0", "/../../outside"):
        write(root, {OWN: f"0::{path}\n", f"{TOP}/cpu.max": "100000 100000\n"})
        assert cores() == 1


def test_a_quota_of_version_one(root: Path) -> None:
    write(root, {OWN: "5:memory:/d\n4:cpu,cpuacct:/d\n1:name=systemd:/\n0::/\n"})
    write(root, {f"{TOP}/cpu/d/cpu.cfs_quota_us": "-1\n", f"{TOP}/cpu/d/cpu.cfs_period_us": "100000\n"})
    assert cores() == 64
    write(root, {f"{TOP}/cpu/cpu.cfs_quota_us": "150000\n", f"{TOP}/cpu/cpu.cfs_period_us": "100000\n"})
    assert cores() == 2


@pytest.mark.parametrize("own", [b"", b"odd\n", b"\n", b"0::/\xff\n", b"0:cpu\n"])
def test_what_no_kernel_writes_is_no_quota(own: bytes, root: Path) -> None:
    write(root, {OWN: ""})
    (root / OWN).write_bytes(own)
    assert cores() == 64


def test_what_the_user_says_counts(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root, {OWN: "0::/\n", f"{TOP}/cpu.max": "200000 100000\n"})
    monkeypatch.setenv("PYTHON_CPU_COUNT", "5")
    assert cores() == 5
    monkeypatch.setenv("PYTHON_CPU_COUNT", "default")
    assert cores() == 2
