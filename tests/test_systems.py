"""What Windows and macOS lack: the code names none of it unguarded, and works in a Linux that lacks it, too."""

import ast
import io
import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from mnist_pipeline.cli import streams
from mnist_pipeline.cli.predict import _free_name
from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.errors import RunError
from mnist_pipeline.prediction import finding
from mnist_pipeline.prediction.finding import Found, find
from mnist_pipeline.runs.opening import begin
from mnist_pipeline.runs.run import artifacts
from tests.systems import linux, posix

PACKAGE = Path(__file__).parents[1] / "src" / "mnist_pipeline"
NODES = [
    (path.relative_to(PACKAGE).as_posix(), node)
    for path in PACKAGE.rglob("*.py")
    for node in ast.walk(ast.parse(path.read_text("utf-8")))
]

MODULES = {"fcntl", "resource", "pty", "tty", "termios", "pwd", "grp", "posix", "syslog", "readline", "curses"}
NAMES = {f"os.{name}" for name in (
    "fork", "forkpty", "wait", "waitpid", "kill", "killpg", "getpgid", "setpgid", "getsid", "setsid", "getuid",
    "geteuid", "getgid", "getegid", "setuid", "setgid", "nice", "getpriority", "setpriority", "sched_getaffinity",
    "sched_setaffinity", "set_blocking", "get_blocking", "mkfifo", "mknod", "chown", "fchown", "lchown", "fchmod",
    "chroot", "statvfs", "fstatvfs", "sysconf", "pathconf", "getloadavg", "uname", "openpty", "ttyname", "pread",
    "pwrite", "preadv", "pwritev", "readv", "writev", "sendfile", "posix_fadvise", "posix_fallocate", "posix_spawn",
    "lockf", "sync", "fdatasync", "memfd_create", "getxattr", "O_NONBLOCK", "O_DIRECTORY", "O_NOFOLLOW", "O_CLOEXEC",
    "O_SYNC", "WNOHANG", "WIFSIGNALED", "WTERMSIG", "SEEK_DATA", "register_at_fork", "eventfd", "pidfd_open",
)} | {
    "select.poll", "select.epoll", "select.kqueue", "select.select", "time.tzset", "time.pthread_getcpuclockid",
    "signal.alarm", "signal.setitimer", "signal.pthread_kill", "signal.pthread_sigmask", "signal.sigwait",
    "signal.SIGKILL", "signal.SIGHUP", "signal.SIGQUIT", "signal.SIGALRM", "signal.SIGCHLD", "signal.SIGPIPE",
    "signal.SIGUSR1", "signal.SIGUSR2", "signal.SIGTSTP", "signal.SIGXCPU", "socket.AF_UNIX", "socket.socketpair",
    "cv2.imread", "cv2.imwrite", "cv2.imreadmulti",  # there, but on Windows they open only paths in ASCII
}  # fmt: skip
# Where such a name stands although it is not there everywhere, and why that is no harm.
GUARDED = {
    ("process.py", "os.sched_getaffinity"),  # by hasattr
    ("data/rendering/pool.py", "select.poll"),  # by hasattr
    ("prediction/finding.py", "select.select"),  # by WINDOWS
    ("web/metrics.py", "os.sysconf"),  # once a file of Linux alone was read
    ("cli/streams.py", "select.select"),  # for a pipe that does not wait, which Windows gives nobody as stdout
}


def test_no_module_that_is_of_posix_alone_loads_with_ours() -> None:
    loaded = [part for _, node in NODES if isinstance(node, ast.Module) for part in node.body]
    plain = {alias.name for part in loaded if isinstance(part, ast.Import) for alias in part.names}
    named = plain | {part.module for part in loaded if isinstance(part, ast.ImportFrom)}
    assert "os" in named
    assert named & MODULES == set()


def test_no_name_that_is_of_posix_alone_is_used_unguarded() -> None:
    used = {(file, ast.unparse(node)) for file, node in NODES if isinstance(node, ast.Attribute)}
    assert {(file, name) for file, name in used if name in NAMES} == GUARDED


def test_a_process_of_its_own_group_has_one_on_windows_too() -> None:
    """Which passes over process_group, and goes by creationflags."""
    asked = [{word.arg for word in node.keywords} for _, node in NODES if isinstance(node, ast.Call)]
    grouped = [words for words in asked if "process_group" in words]
    assert len(grouped) >= 2
    assert all("creationflags" in words for words in grouped)
    alone = {"preexec_fn", "pass_fds", "start_new_session"}
    used = {file for file, node in NODES if isinstance(node, ast.Call) and alone & {one.arg for one in node.keywords}}
    assert used == {"web/server.py"}, "which on Windows has one process"


# fcntl stays: filelock has its own way on Windows, which is not here.
LACKING = f"""
import os, select, selectors, subprocess, sys
for name in {sorted(MODULES - {"fcntl", "posix"})}:
    sys.modules[name] = None
for name in {sorted(NAMES)}:
    module, _, attribute = name.partition(".")
    kept = "select", "waitpid", "WNOHANG", "kill", "uname", "register_at_fork"  # the standard library's on Linux
    if module in ("os", "select") and attribute not in kept:
        if hasattr(sys.modules[module], attribute):
            delattr(sys.modules[module], attribute)

def refuse(*_):
    raise OSError(10038, "an operation was attempted on something that is not a socket")
select.select = refuse

start = subprocess.Popen.__init__
def popen(self, *words, process_group=None, creationflags=0, **how):
    start(self, *words, **how)
subprocess.Popen.__init__ = popen

from mnist_pipeline import process
process.WINDOWS, process.OWN_GROUP = True, 0x200
"""


@pytest.fixture
def lacking(tmp_path: Path) -> dict[str, str]:
    """The environment for Python processes that lack what Windows lacks, those that they start included."""
    (tmp_path / "sitecustomize.py").write_text(LACKING)
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}


def test_every_worker_does_its_work_where_posix_is_lacking(lacking: dict[str, str]) -> None:
    code = (
        "import os\n"
        "assert not hasattr(os, 'fork')\n"
        "from mnist_pipeline.prediction.foreign import Bounds, bounded\n"
        "from tests.test_workers import draw, predict_many, reproduce\n"
        "draw(), predict_many(), reproduce(), bounded(lambda: print('done'), Bounds(512, 3))"
    )
    answer = subprocess.run([sys.executable, "-c", code], env=lacking, capture_output=True, text=True, check=False)
    assert (answer.stdout, answer.stderr) == ("done\n", "")


@pytest.fixture
def _windows(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (finding, streams):
        monkeypatch.setattr(module, "WINDOWS", True)

    def refuse(*_: object) -> None:
        raise OSError(10038, "an operation was attempted on something that is not a socket")

    monkeypatch.setattr(select, "select", refuse)


@pytest.mark.usefixtures("_windows")
def test_a_list_as_windows_writes_it_is_read_and_who_waits_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsdecode", lambda raw: raw.decode("utf-8", "surrogatepass"))
    ours, theirs = os.pipe()
    os.write(theirs, b"1.png\r\n\xff.png\r\n")
    coming = find(["-"], ours)
    assert [next(coming) for _ in range(4)] == [None, Found("1.png"), Found("\udcff.png"), None]
    os.close(theirs)
    assert list(coming) == []
    os.close(ours)


@linux
@pytest.mark.usefixtures("_windows")
def test_a_reader_who_goes_away_on_windows_is_one_who_goes_away() -> None:
    """Windows tells of it by EINVAL, as an eventfd does of what is not eight bytes long."""
    ends_so = os.eventfd(0)
    with pytest.raises(BrokenPipeError):
        streams._Stream(ends_so, needed=True).write(b"answer")
    os.close(ends_so)


class Console(io.TextIOWrapper):
    """A stream that leads to a Windows console."""

    def isatty(self) -> bool:
        return True


@pytest.mark.usefixtures("_windows")
def test_a_console_that_takes_text_is_written_to_as_text() -> None:
    console = Console(io.BytesIO(), "utf-8")
    kept = streams._text(streams._Stream(1, needed=True), console, "backslashreplace")
    assert (kept, kept.errors) == (console, "backslashreplace")


@posix
def test_a_run_whose_folder_is_anothers_on_this_disk_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    begin(load_config("smoke", name="Dense"), {})
    (artifacts() / "dense").symlink_to("Dense")  # a disk that does not tell capitals apart opens, but does not list it
    monkeypatch.setattr(os, "listdir", lambda _: ["Dense"])
    with pytest.raises(RunError, match="dense: this disk takes it for the folder of another name"):
        begin(load_config("smoke", name="dense"), {}, force=True)
    begin(load_config("smoke", name="Dense"), {})


@posix
@pytest.mark.parametrize("slashes", ["/", "//", "///"])
def test_a_pattern_from_the_root_may_have_slashes_to_spare(tmp_path: Path, slashes: str) -> None:
    (tmp_path / "1.png").touch()
    (found,) = find([slashes + str(tmp_path / "*.png").lstrip("/")])
    assert found is not None
    assert (Path(found.path).name, found.problem) == ("1.png", None)


@pytest.mark.parametrize("letter", ["é", "三", "\udcff"])
def test_a_long_name_is_cut_between_its_letters(letter: str) -> None:
    stem = _free_name("x" + letter * 200).name.removesuffix("-seen.png")
    assert set(stem[1:]) == {letter}
