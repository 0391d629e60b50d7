"""Signed statements: DSSE envelopes, made and checked with a key in a PEM file and without a network."""

import base64
import binascii
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mnist_pipeline.errors import ProofError, RunError
from mnist_pipeline.packages import need

PAYLOAD_TYPE = "application/vnd.in-toto+json"
_LARGEST_KEY = 2**14  # bytes; a key of ours is a few hundred
_MAKE = "openssl genpkey -algorithm ed25519 -out key.pem; openssl pkey -in key.pem -pubout -out public.pem"


def sign(payload: bytes, key_file: Path) -> dict[str, Any]:
    """The envelope that holds a payload and its signature by the private key in the file."""
    need("signing", "cryptography")
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = _key(key_file, "private", lambda text: load_pem_private_key(text, password=None))
    signature = key.sign(_signed(PAYLOAD_TYPE, payload), *_how(key))
    return {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": _name(key.public_key()), "sig": base64.b64encode(signature).decode()}],
    }


def payload_of(envelope: dict[str, Any], path: Path) -> bytes:
    """What an envelope holds, whoever signed it."""
    if envelope["payloadType"] != PAYLOAD_TYPE:
        raise RunError(f"{path}: its envelope holds something else than a statement")
    return _decoded(envelope["payload"], path)


def check_signature(envelope: dict[str, Any], path: Path, key_file: Path) -> str:
    """The name of the public key in the file; a ProofError unless one of the envelope's signatures is by it."""
    need("checking a signature", "cryptography")
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    key = _key(key_file, "public", load_pem_public_key)
    message = _signed(envelope["payloadType"], payload_of(envelope, path))
    for signature in envelope["signatures"][:10]:
        try:
            key.verify(_decoded(signature["sig"], path), message, *_how(key))
        except InvalidSignature:
            continue
        return _name(key)
    raise ProofError(f"{path}: is not signed by the key in {key_file}, or was changed since")


def _signed(kind: str, payload: bytes) -> bytes:
    """The bytes that are signed: DSSE's pre-authentication encoding of the payload and its type."""
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)


def _key(path: Path, kind: str, load: Callable[[bytes], Any]) -> Any:
    """The key in a PEM file: Ed25519, or ECDSA over P-256."""
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        with path.open("rb") as file:
            key = load(file.read(_LARGEST_KEY))
        _how(key)
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: a password is wanted
        raise RunError(f"{path}: holds no {kind} key that is used here. To make both: {_MAKE}") from None
    return key


def _how(key: Any) -> tuple[Any, ...]:
    """What the key wants to be told to sign or to check; a ValueError for a key of another kind."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
    from cryptography.hazmat.primitives.hashes import SHA256

    if isinstance(key, ed25519.Ed25519PrivateKey | ed25519.Ed25519PublicKey):
        return ()
    if isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey) and key.curve.name == "secp256r1":
        return (ec.ECDSA(SHA256()),)
    raise ValueError


def _name(key: Any) -> str:
    """The digest by which a public key is named: of its bytes as every PEM file of it holds them."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def _decoded(text: str, path: Path) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise RunError(f"{path}: its envelope is damaged (not base64)") from None
