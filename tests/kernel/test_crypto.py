"""Sealing, blind indexes and the keyring."""

import base64
import hmac
import json
import stat
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from app.kernel import crypto
from app.kernel.crypto import BlindIndex, CannotOpen, Keyring, KeyringError, Sealer, write_keyring

RING = Keyring.generate()
SEALER = Sealer(RING, "contact")
SEALED = SEALER.seal(b"anna@example.org", b"row 1")


@given(st.binary(max_size=300), st.binary(max_size=20))
def test_what_is_sealed_opens_with_the_same_identity(plain: bytes, identity: bytes) -> None:
    sealed = SEALER.seal(plain, identity)
    assert SEALER.open(sealed, identity) == plain
    assert plain not in sealed or len(plain) < 4


def test_the_same_value_is_sealed_differently_every_time() -> None:
    assert len({SEALER.seal(b"same", b"row") for _ in range(100)}) == 100


def test_a_value_moved_to_another_row_does_not_open() -> None:
    with pytest.raises(CannotOpen, match="damaged or moved"):
        SEALER.open(SEALED, b"row 2")


def test_a_value_of_another_purpose_does_not_open() -> None:
    with pytest.raises(CannotOpen, match="damaged or moved"):
        Sealer(RING, "secret").open(SEALED, b"row 1")


def test_a_value_of_another_keyring_does_not_open() -> None:
    with pytest.raises(CannotOpen, match="not in the keyring"):
        Sealer(Keyring.generate(), "contact").open(SEALED, b"row 1")


@pytest.mark.parametrize("position", range(len(SEALED)))
def test_any_changed_byte_is_noticed(position: int) -> None:
    damaged = bytearray(SEALED)
    damaged[position] ^= 1
    with pytest.raises(CannotOpen):
        SEALER.open(bytes(damaged), b"row 1")


@pytest.mark.parametrize("length", range(len(SEALED)))
def test_any_missing_end_is_noticed(length: int) -> None:
    with pytest.raises(CannotOpen):
        SEALER.open(SEALED[:length], b"row 1")


def test_after_rotation_old_values_open_and_new_ones_use_the_new_key() -> None:
    rotated = RING.rotated()
    after = Sealer(rotated, "contact")
    assert after.open(SEALED, b"row 1") == b"anna@example.org"
    assert not SEALED.startswith(after.active_prefix)
    renewed = after.seal(b"anna@example.org", b"row 1")
    assert renewed.startswith(after.active_prefix)
    only_new = Sealer(rotated.only_active(), "contact")
    assert only_new.open(renewed, b"row 1") == b"anna@example.org"
    with pytest.raises(CannotOpen):
        only_new.open(SEALED, b"row 1")


def test_indexes_and_link_keys_survive_rotation() -> None:
    rotated = RING.rotated().only_active()
    assert BlindIndex(rotated, "email").of("a@b.example") == BlindIndex(RING, "email").of("a@b.example")
    assert crypto.token_key(rotated, "track") == crypto.token_key(RING, "track")


def test_an_index_depends_on_value_purpose_and_keyring() -> None:
    found = {
        BlindIndex(RING, "email").of("a@b.example"),
        BlindIndex(RING, "email").of("a@b.example "),
        BlindIndex(RING, "phone").of("a@b.example"),
        BlindIndex(Keyring.generate(), "email").of("a@b.example"),
    }
    assert len(found) == 4
    assert {len(index) for index in found} == {crypto.INDEX_BYTES}


def test_a_keyring_reads_back_what_it_wrote() -> None:
    ring = RING.rotated()
    assert Keyring.parse(ring.dump()) == ring


def test_a_keyring_does_not_show_its_keys() -> None:
    keys = [RING.permanent, *RING.keys.values()]
    assert not any(repr(key) in repr(RING) or key.hex() in repr(RING) for key in keys)


GOOD = json.loads(RING.dump())


@pytest.mark.parametrize(
    ("source", "says"),
    [
        pytest.param("", "cannot be read", id="empty"),
        pytest.param("{", "cannot be read", id="cut off"),
        pytest.param("[]", "cannot be read", id="list"),
        pytest.param("null", "cannot be read", id="null"),
        pytest.param(json.dumps({}), "cannot be read", id="no keys"),
        pytest.param(json.dumps(GOOD | {"keys": []}), "cannot be read", id="keys are a list"),
        pytest.param(json.dumps(GOOD | {"active": 5}), "cannot be read", id="active is a number"),
        pytest.param(json.dumps(GOOD | {"active": "xyz"}), "cannot be read", id="active is not hex"),
        pytest.param(json.dumps(GOOD | {"permanent": "!!!"}), "cannot be read", id="not base64"),
        pytest.param(json.dumps(GOOD | {"permanent": None}), "cannot be read", id="no permanent key"),
        pytest.param(json.dumps(GOOD | {"active": "00000000"}), "incomplete", id="active key missing"),
        pytest.param(json.dumps(GOOD | {"keys": {}}), "incomplete", id="empty keys"),
        pytest.param(
            json.dumps(GOOD | {"permanent": base64.b64encode(bytes(16)).decode()}), "incomplete", id="short key"
        ),
        pytest.param(
            json.dumps(GOOD | {"keys": GOOD["keys"] | {"00": base64.b64encode(bytes(32)).decode()}}),
            "incomplete",
            id="short key id",
        ),
    ],
)
def test_a_broken_keyring_is_named_and_its_keys_are_not(source: str, says: str) -> None:
    with pytest.raises(KeyringError, match=says) as caught:
        Keyring.parse(source)
    assert "backup" in str(caught.value)
    assert not any(key in str(caught.value) for key in [GOOD["permanent"], *GOOD["keys"].values()])


def test_the_key_file_is_replaced_whole_and_private(tmp_path: Path) -> None:
    path = tmp_path / "keyring.json"
    for ring in (RING, RING.rotated()):
        write_keyring(path, ring)
        assert Keyring.parse(path.read_text()) == ring
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_an_app_seals_with_its_own_keyring(app: Flask) -> None:
    sealed = crypto.sealer("contact").seal(b"x", b"row")
    assert crypto.sealer("contact") is crypto.sealer("contact")
    assert Sealer(crypto.keyring(), "contact").open(sealed, b"row") == b"x"
    assert crypto.blind_index("email").of("a") == BlindIndex(crypto.keyring(), "email").of("a")


@pytest.mark.parametrize("value", ["", "anna@example.org", "ż" * 500])
def test_a_blind_index_is_the_beginning_of_the_hmac(value: str) -> None:
    ring = Keyring.generate()
    key = crypto._derive(ring.permanent, "index/email")
    assert BlindIndex(ring, "email").of(value) == hmac.digest(key, value.encode(), "sha256")[:16]
