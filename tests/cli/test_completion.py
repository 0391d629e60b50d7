"""Completion as a user has it: installed by the command into a new home, then Tab pressed in a shell on a terminal."""

import os
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.systems import posix

pytestmark = [posix, pytest.mark.slow]


class Terminal:
    """A shell on a pseudo-terminal, in which somebody types."""

    def __init__(self, shell: str, environment: dict[str, str], folder: Path) -> None:
        pty = pytest.importorskip("pty")
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [shell, "-i"], env=environment, cwd=folder, preexec_fn=lambda: os.login_tty(theirs)
        )
        os.close(theirs)

    def types(self, text: str, until: str) -> None:
        """Type, and wait until the terminal shows what is expected."""
        os.write(self._ours, text.encode())
        seen, deadline = "", time.monotonic() + 30
        while not re.search(until, seen):
            assert time.monotonic() < deadline, f"not shown: {until}, but {seen!r}"
            if select.select([self._ours], [], [], 0.1)[0]:
                seen += os.read(self._ours, 65536).decode(errors="replace")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_tab_completes_recipes_runs_and_files(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    command = tmp_path / "bin" / "mnist"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mnist_pipeline "$@"\n')
    command.chmod(0o755)
    (tmp_path / "seven.png").touch()
    home = str(tmp_path)
    environment = os.environ | {
        "HOME": home, "ZDOTDIR": home, "XDG_CONFIG_HOME": f"{home}/.config", "XDG_DATA_HOME": f"{home}/.local",
        "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}", "TERM": "xterm",
    }  # fmt: skip
    asked = subprocess.run(
        [shell, "-c", "mnist --install-completion; true"], env=environment, capture_output=True, text=True, check=True
    )
    assert f"{shell} completion installed in {home}" in asked.stdout
    for typed, rest in (("train smok", "e"), ("predict x.png --run shi", "pped"), ("predict sev", "en.png")):
        terminal = Terminal(shell, environment, tmp_path)
        try:
            terminal.types("echo re''ady\r", until="(?<!')ready")
            time.sleep(0.5)  # until the shell awaits keys again
            terminal.types(f"mnist {typed}\t", until=f"{typed.split()[-1]}.*{rest}")
        finally:
            terminal.close()
