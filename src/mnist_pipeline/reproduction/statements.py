"""Statements about runs, in in-toto's form: what was trained from what, what came of it, and what is promised."""

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

from mnist_pipeline.config.checking import check
from mnist_pipeline.config.schema import Config
from mnist_pipeline.errors import ConfigError, ProofError, RunError
from mnist_pipeline.reproduction.repeat import compared
from mnist_pipeline.reproduction.signing import check_signature, payload_of, sign
from mnist_pipeline.runs import shapes
from mnist_pipeline.runs.files import write_json
from mnist_pipeline.runs.opening import open_run, opened
from mnist_pipeline.runs.run import Run

_TYPE = "https://in-toto.io/Statement/v1"
_PREDICATE = "urn:mnist-kit:training:v1"
_LARGEST = 2**20  # bytes of a statement; one of ours has three thousand
_LARGEST_MODEL = 256 * 2**20  # bytes
MODEL_FILES = ("model.keras", "model.onnx", "refusal.json")  # the last where training chose when to refuse
# What of the environment has to be the same where the same bits are promised.
_EVERYWHERE = ("versions", "source", "machine")
_HERE = (*_EVERYWHERE, "system", "processor", "threads", "flags")
_X86_64 = ("x86_64", "AMD64")  # as Linux and as Windows say it; portable flags take nothing away from other processors


class Statement(NamedTuple):
    """A statement that has the form of one; nothing that it says has been checked yet."""

    path: Path
    tree: dict[str, Any]
    signed: str  # by whom, in words

    @property
    def predicate(self) -> dict[str, Any]:
        """What is said of the files that the statement is about."""
        predicate: dict[str, Any] = self.tree["predicate"]
        return predicate

    @property
    def files(self) -> dict[str, str]:
        """Name and sha256 of each file that the statement is about."""
        return {subject["name"]: subject["digest"]["sha256"] for subject in self.tree["subject"]}

    def config(self) -> Config:
        """The config that it says was trained."""
        try:
            return check(self.predicate["config"], "config")
        except ConfigError as error:
            first = str(error).splitlines()[-1].strip()
            raise RunError(f"{self.path}: its config does not fit this version: {first}") from None


def attest(where: str | Path | Run | None = None, key: Path | None = None) -> Statement:
    """Write the statement of a trained and evaluated run, by default the last one, beside its files."""
    with opened(where) as run:
        tree = state(run)
        text = json.dumps(tree, indent=1, allow_nan=False).encode()
        write_json(run.statement_file, sign(text, key) if key else tree)
        return read(run.statement_file)


def state(run: Run) -> dict[str, Any]:
    """What can be said of a trained and evaluated run, as a statement."""
    run.require_trained()
    train, test, found, config = run.figures("train"), run.figures("evaluate"), compared(run), run.config()
    if test["weights_sha256"] != train["weights_sha256"]:
        raise RunError(f"{run.path}: was evaluated with other weights. First: mnist evaluate {run.path}")
    return {
        "_type": _TYPE,
        "subject": [{"name": name, "digest": {"sha256": sha256(run.path / name)}} for name in model_files(config)],
        "predicateType": _PREDICATE,
        "predicate": {
            "promised": promises(config, found["environment"]),
            "config": config.tree(),
            "weights_sha256": train["weights_sha256"],
            "data": {"train_sha256": train["data_sha256"], "test_sha256": test["data_sha256"]},
            "numbers": found["numbers"],
            "environment": found["environment"],
            "finished": train["finished"],
        },
    }


def model_files(config: Config) -> list[str]:
    """The files of a run by which its model answers: those that a statement is about."""
    refuses = config.data.rendering is not None and config.data.rendering.negatives > 0
    return [*MODEL_FILES] if refuses else [*MODEL_FILES[:2]]


def promises(config: Config, environment: dict[str, Any]) -> list[str]:
    """What is promised to whoever trains a config again: the same bits, everywhere or here, or the same band.

    No bits are promised of code that nobody else has, nor where processes of several environments took turns.
    """
    source = environment.get("source")
    known = not (isinstance(source, dict) and source.get("dirty")) and not environment.get("changed")
    portable = config.training.numerics == "portable" and environment.get("machine") in _X86_64
    where = "everywhere" if portable else "here"
    banded = config.expected is not None and config.expected.n is not None
    return [*([f"bits {where}"] if known else []), *(["band"] if banded else [])]


def covered(promised: list[str], there: dict[str, Any], here: dict[str, Any]) -> bool:
    """Whether the same bits, promised for one environment, are promised for another one too."""
    keys = _EVERYWHERE if "bits everywhere" in promised else _HERE if "bits here" in promised else None
    return keys is not None and all(_decisive(there.get(key)) == _decisive(here.get(key)) for key in keys)


def _decisive(value: Any) -> Any:
    """A part of an environment without the number of the machine's cores, of which training uses those it is told."""
    return {key: each for key, each in value.items() if key != "cores"} if isinstance(value, dict) else value


def find(where: str, key: Path | None = None) -> Statement:
    """The statement in a file or a run's folder; where the folder holds none, what its files say is taken as one."""
    if Path(where).is_file():
        return read(Path(where), key)
    run = open_run(where)
    if run.statement_file.is_file():
        return read(run.statement_file, key)
    if key:
        raise ProofError(f"{run.path}: holds no statement, and so no signature")
    return Statement(run.statement_file, state(run), "not signed")


def read(path: Path, key: Path | None = None) -> Statement:
    """The statement in a file, signed or not, refused unless it has the form of one."""
    tree, signed = _parsed(_content(path), path), "not signed"
    if isinstance(tree, dict) and "payloadType" in tree:
        _require(tree, shapes.ENVELOPE, path)
        signed = f"signed by key {check_signature(tree, path, key)}" if key else "signed by a key that was not checked"
        tree = _parsed(payload_of(tree, path), path)
    elif key:
        raise ProofError(f"{path}: is not signed")
    if not isinstance(tree, dict) or (tree.get("_type"), tree.get("predicateType")) != (_TYPE, _PREDICATE):
        raise RunError(f"{path}: is no statement about a training, as `mnist attest` writes them")
    _require(tree, shapes.STATEMENT, path)
    return Statement(path, tree, signed)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror})") from None
    if len(content) > _LARGEST:
        raise RunError(f"{path}: is larger than {_LARGEST // 2**10} KiB, so no statement")
    return content


def _parsed(content: bytes, path: Path) -> Any:
    """The JSON value in the bytes, in which no name stands twice and all text can be written."""
    try:
        value = json.loads(content, object_pairs_hook=_once)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise RunError(f"{path}: is no statement (not the JSON of one)") from None
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError
    return dict(pairs)


def _require(tree: dict[str, Any], shape: shapes.Shape, path: Path) -> None:
    if problem := shapes.misfit(tree, shape, "it"):
        raise RunError(f"{path}: is no statement as this version writes them ({problem})")


def sha256(path: Path) -> str:
    """The digest of a file of a model."""
    try:
        if path.stat().st_size > _LARGEST_MODEL:
            raise RunError(f"{path}: is larger than the {_LARGEST_MODEL // 2**20} MiB read here")
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror})") from None
