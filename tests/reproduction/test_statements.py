"""mnist attest: the statement of a run, its form, what it promises, and its signature."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from mnist_pipeline.config.recipes import load_config
from mnist_pipeline.reproduction.statements import attest, covered, find, promises
from mnist_pipeline.runs.files import write_json
from mnist_pipeline.runs.opening import begin
from mnist_pipeline.runs.run import Run
from tests.commands import mnist
from tests.reproduction.pretended import ENVIRONMENT, pretend


def test_a_statement_has_the_form_of_in_toto_and_says_what_the_run_s_files_say(banded: Path) -> None:
    run = pretend(load_config(banded), 0.97, source={"commit": "c" * 40, "dirty": False}, lock="e" * 64)
    result = mnist("attest", run.name)
    assert result.stdout == f"{run.statement_file}: promises bits here and band\n"
    statement = json.loads(run.statement_file.read_text())
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"].startswith("urn:mnist-kit:")
    assert statement["subject"] == [
        {"name": path.name, "digest": {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}}
        for path in (run.model_file, run.onnx_file)
    ]
    said = statement["predicate"]
    assert said["config"] == run.config().tree()
    assert said["environment"] == run.environment()
    assert (said["environment"]["source"]["commit"], said["environment"]["lock"]) == ("c" * 40, "e" * 64)
    assert said["weights_sha256"] == "a" * 64
    assert said["data"] == {f"{part}_sha256": run.figures("train")["data_sha256"] for part in ("train", "test")}
    assert said["numbers"]["test_accuracy"] == 0.97


def test_a_run_that_refuses_is_stated_with_its_threshold() -> None:
    run = pretend(load_config("photo"), 0.996)
    write_json(run.refusal_file, {"threshold": 0.6, "negatives_refused": 0.99, "digits_refused": 0.02})
    mnist("attest", run.name)
    named = [each["name"] for each in json.loads(run.statement_file.read_text())["subject"]]
    assert named == ["model.keras", "model.onnx", "refusal.json"]


def test_the_same_is_answered_as_json(recipe: Path) -> None:
    run = pretend(load_config(recipe), 0.97)
    found = json.loads(mnist("attest", run.name, "--json").stdout)
    assert found == {"file": str(run.statement_file), "statement": json.loads(run.statement_file.read_text())}


CLEAN, CHANGED = {"source": {"commit": "c", "dirty": False}}, {"source": {"commit": "c", "dirty": True}}


@pytest.mark.parametrize(
    ("recipe_name", "environment", "promised"),
    [
        ("dense", CLEAN, ["bits here", "band"]),
        ("dense-portable", CLEAN | {"machine": "x86_64"}, ["bits everywhere", "band"]),
        ("dense-portable", CLEAN | {"machine": "aarch64"}, ["bits here", "band"]),
        ("smoke", {"source": None}, ["bits here"]),
        ("dense", CHANGED, ["band"]),
        ("dense", CLEAN | {"changed": ["threads: 1 → 2"]}, ["band"]),
        ("smoke", CHANGED, []),
    ],
)
def test_no_more_is_promised_than_a_config_and_its_code_can_give(
    recipe_name: str, environment: dict[str, Any], promised: list[str]
) -> None:
    assert promises(load_config(recipe_name), environment) == promised


@pytest.mark.parametrize(
    ("promised", "change", "holds"),
    [
        ("bits here", {}, True),
        ("bits here", {"processor": {"model": "A", "cores": 64}}, True),
        ("bits here", {"processor": {"model": "B", "cores": 2}}, False),
        ("bits here", {"versions": {"tensorflow": "2.22.0"}}, False),
        ("bits everywhere", {"processor": {"model": "B"}, "threads": 2, "flags": {"XLA_FLAGS": "x"}}, True),
        ("bits everywhere", {"versions": {"tensorflow": "2.22.0"}}, False),
        ("bits everywhere", {"source": {"commit": "d", "dirty": False}}, False),
        ("band", {}, False),
    ],
)
def test_a_promise_of_bits_covers_an_environment_or_not(promised: str, change: dict[str, Any], holds: bool) -> None:
    there = ENVIRONMENT | CLEAN | {"processor": {"model": "A", "cores": 2}, "machine": "x86_64"}
    assert covered([promised], there, there | change) is holds


def test_a_run_that_is_not_evaluated_or_not_by_these_weights_gets_no_statement(recipe: Path) -> None:
    begin(load_config(recipe, seed=1), ENVIRONMENT)
    unfinished = mnist("attest", "mine-seed1")
    assert (unfinished.exit_code, "its training is not finished" in unfinished.stderr) == (2, True)
    run = pretend(load_config(recipe), 0.97)
    run.add_metrics("evaluate", run.figures("evaluate") | {"weights_sha256": "b" * 64})
    other = mnist("attest", "mine")
    assert (other.exit_code, "evaluated with other weights. First: mnist evaluate" in other.stderr) == (2, True)


def test_a_run_trained_anew_loses_its_statement(recipe: Path) -> None:
    run = pretend(load_config(recipe), 0.97)
    attest(run)
    begin(load_config(recipe, {"training.epochs": 2}), ENVIRONMENT, force=True)
    assert not run.statement_file.exists()


# Signed


def keys(folder: Path, kind: str = "ed25519") -> tuple[Path, Path]:
    """A new private key and its public one, in PEM files as openssl writes them."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

    key: Any = ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else ec.generate_private_key(ec.SECP256R1())
    private, public = folder / f"{kind}.pem", folder / f"{kind}-public.pem"
    pem, none = serialization.Encoding.PEM, serialization.NoEncryption()
    private.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, none))
    public.write_bytes(key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo))
    return private, public


@pytest.mark.parametrize("kind", ["ed25519", "p256"])
def test_a_signed_statement_is_read_with_the_key_and_without(recipe: Path, tmp_path: Path, kind: str) -> None:
    private, public = keys(tmp_path, kind)
    run = pretend(load_config(recipe), 0.97)
    attest(run, private)
    signed, unchecked = find(str(run.statement_file), public), find(run.name)
    assert signed.tree == unchecked.tree
    assert signed.predicate["weights_sha256"] == "a" * 64
    assert signed.signed == f"signed by key {json.loads(run.statement_file.read_text())['signatures'][0]['keyid']}"
    assert unchecked.signed == "signed by a key that was not checked"


def test_the_envelope_is_dsse_as_anyone_would_check_it(recipe: Path, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    private, public = keys(tmp_path)
    envelope = json.loads(attest(pretend(load_config(recipe), 0.97), private).path.read_text())
    kind, payload = envelope["payloadType"], base64.b64decode(envelope["payload"])
    message = b" ".join([b"DSSEv1", b"28", b"application/vnd.in-toto+json", str(len(payload)).encode(), payload])
    assert kind == "application/vnd.in-toto+json"
    key: Any = load_pem_public_key(public.read_bytes())
    key.verify(base64.b64decode(envelope["signatures"][0]["sig"]), message)  # raises where it is not signed


def test_the_libraries_of_in_toto_and_dsse_take_both(recipe: Path, tmp_path: Path) -> None:
    names = "in_toto_attestation.v1.statement", "google.protobuf.json_format", "securesystemslib.dsse"
    reason = "the libraries that check it are not installed"
    statements, json_format, dsse = (pytest.importorskip(name, reason=reason) for name in names)
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    private, public = keys(tmp_path)
    statement = attest(pretend(load_config(recipe), 0.97), private)
    parsed = json_format.ParseDict(statement.tree, statements.spb.Statement())
    statements.Statement.copy_from_pb(parsed).validate()  # raises where it is none
    envelope = dsse.Envelope.from_dict(json.loads(statement.path.read_text()))
    (keyid,) = envelope.signatures
    signer = pytest.importorskip("securesystemslib.signer", reason=reason)
    key = signer.SSlibKey.from_crypto(load_pem_public_key(public.read_bytes()), keyid=keyid)
    assert list(envelope.verify([key], 1)) == [keyid]


def refusal(run: Run, *words: str | Path) -> str:
    """The line that `mnist verify` of the run ends with, having trained nothing."""
    result = mnist("verify", run.path, *words)
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_a_statement_signed_by_another_or_by_nobody_is_refused(recipe: Path, tmp_path: Path) -> None:
    private, public = keys(tmp_path)
    run = pretend(load_config(recipe), 0.97)
    assert "holds no statement, and so no signature" in refusal(run, "--key", public)
    attest(run)
    assert "is not signed\n" in refusal(run, "--key", public)
    attest(run, private)
    (_, other), (_, p256) = keys(tmp_path), keys(tmp_path, "p256")
    for key in (other, p256):
        assert f"is not signed by the key in {key}, or was changed since" in refusal(run, "--key", key)


def test_a_signed_statement_that_was_changed_is_refused(recipe: Path, tmp_path: Path) -> None:
    private, public = keys(tmp_path)
    run = pretend(load_config(recipe), 0.97)
    attest(run, private)
    envelope = json.loads(run.statement_file.read_text())
    payload = base64.b64decode(envelope["payload"]).replace(b"0.97,", b"0.99,")
    run.statement_file.write_text(json.dumps(envelope | {"payload": base64.b64encode(payload).decode()}))
    assert "or was changed since" in refusal(run, "--key", public)


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", None])
def test_what_is_no_key_is_one_line_that_says_how_to_make_one(
    recipe: Path, tmp_path: Path, content: bytes | None
) -> None:
    run, (_, public) = pretend(load_config(recipe), 0.97), keys(tmp_path)
    wrong = tmp_path / "wrong.pem"
    wrong.write_bytes(public.read_bytes() if content is None else content)
    result = mnist("attest", run.name, "--key", wrong)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "holds no private key that is used here. To make both: openssl genpkey" in result.stderr
    assert not run.statement_file.exists()
