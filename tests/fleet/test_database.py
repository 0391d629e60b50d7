"""A study in PostgreSQL, with a server of the test's own: several commands work on it, and it is gone on with."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mnist_pipeline.config import yaml_text
from mnist_pipeline.config.recipes import load_config

pytest.importorskip("optuna", reason="comes with the extra tune")
pytest.importorskip("psycopg", reason="the driver of the database is not installed")


def program(name: str) -> str:
    """Where a program of PostgreSQL is; Debian has it off the path."""
    beside = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = shutil.which(name) or (str(beside[-1]) if beside else None)
    return found or pytest.skip("PostgreSQL is not installed")


@pytest.fixture
def database() -> Iterator[str]:
    """The URL of a database, over a socket in a folder of its own; its server refuses to run as root."""
    if os.name == "nt":
        pytest.skip("needs a socket in a folder")
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    if user:
        shutil.chown(folder, user)
    data = folder / "data"
    subprocess.run(
        [program("initdb"), "--auth=trust", "--username=me", "--no-sync", "--pgdata", data],
        check=True, capture_output=True, user=user, cwd=folder,
    )  # fmt: skip
    options = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={folder}", "-c", "fsync=off"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([program("postgres"), "-D", data, *options], stderr=log, user=user, cwd=folder)
    try:
        deadline = time.monotonic() + 60
        while subprocess.run([program("pg_isready"), "-q", "-h", folder], check=False).returncode:
            assert time.monotonic() < deadline
            assert server.poll() is None, (folder / "log").read_text()
            time.sleep(0.2)
        yield f"postgresql+psycopg://me@/postgres?host={folder}"
    finally:
        server.send_signal(signal.SIGINT)  # which waits for nobody who is still connected
        server.wait()
        shutil.rmtree(folder)


@pytest.mark.slow
def test_two_commands_work_on_one_study_in_postgresql_and_a_third_goes_on(database: str, tmp_path: Path) -> None:
    import optuna

    search = {"training.optimizer.learning_rate": {"low": 0.001, "high": 0.1, "log": True}}
    config = tmp_path / "tuned.yaml"
    config.write_text(yaml_text.write(load_config("smoke", {"tune": {"search": search}}).tree()))

    begun: list[subprocess.Popen[bytes]] = []

    def tune(trials: int) -> "subprocess.Popen[bytes]":
        words = ["tune", str(config), "--trials", str(trials), "--workers", "1", "--storage", database]
        begun.append(subprocess.Popen([sys.executable, "-m", "mnist_pipeline", *words, "--study-name", "shared"]))
        return begun[-1]

    try:
        assert [process.wait(timeout=500) for process in [tune(2), tune(2)]] == [0, 0]
        states = [trial.state.name for trial in optuna.load_study(study_name="shared", storage=database).trials]
        assert 2 <= len(states) <= 3
        assert set(states) == {"COMPLETE"}
        assert tune(4).wait(timeout=500) == 0
        assert len(optuna.load_study(study_name="shared", storage=database).trials) == 4
    finally:
        for process in begun:
            process.kill()
            process.wait()
