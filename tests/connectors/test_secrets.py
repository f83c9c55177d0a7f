"""Where a secret comes from: the variable of the host, the variable of the system, then the keyring."""

from __future__ import annotations

import pytest

from connectors.exceptions import AuthError, ParameterError
from connectors.secrets import Secret, secret_of

keyring = pytest.importorskip("keyring", reason="install keyring: uv sync --group heavy")
HOST = "sentry.my-shop.com:8443"


class Ring(keyring.backend.KeyringBackend):
    """A keyring in memory, put in by keyring's own way of setting one."""

    priority = -1  # nobody's choice but a test's

    def __init__(self, **entries: str) -> None:
        super().__init__()
        self.entries = entries
        self.asked: list[tuple[str, str]] = []

    def get_password(self, service, username):
        self.asked.append((service, username))
        return self.entries.get(username)

    def set_password(self, service, username, password):
        self.entries[username] = password


class Locked(Ring):
    def get_password(self, service, username):
        raise keyring.errors.KeyringLocked("Failed to unlock the collection!")


@pytest.fixture
def ring(monkeypatch):
    for name in ("BLINDSPOT_SENTRY_TOKEN", "BLINDSPOT_SENTRY_TOKEN__SENTRY_MY_SHOP_COM_8443"):
        monkeypatch.delenv(name, raising=False)
    before = keyring.get_keyring()
    yield keyring.set_keyring
    keyring.set_keyring(before)


def test_the_hosts_own_variable_goes_before_the_systems(ring, monkeypatch):
    full = Ring(sentry="from the ring"[-4:], **{f"sentry://{HOST}": "ring-host"})
    ring(full)
    assert secret_of("sentry", HOST) == Secret("ring-host")
    assert secret_of("sentry", "other.example.com") == Secret("ring")
    assert secret_of("sentry") == Secret("ring")
    assert full.asked[:3] == [
        ("blindspot", f"sentry://{HOST}"),
        ("blindspot", "sentry://other.example.com"),
        ("blindspot", "sentry"),
    ]
    monkeypatch.setenv("BLINDSPOT_SENTRY_TOKEN", "of-all")
    assert secret_of("sentry", HOST) == Secret("of-all")
    monkeypatch.setenv("BLINDSPOT_SENTRY_TOKEN__SENTRY_MY_SHOP_COM_8443", "of-host")
    assert secret_of("sentry", HOST) == Secret("of-host")
    monkeypatch.setenv("BLINDSPOT_SENTRY_TOKEN__SENTRY_MY_SHOP_COM_8443", " ")
    assert secret_of("sentry", HOST) == Secret("of-all")
    assert len(full.asked) == 4


def test_no_secret_is_none_and_a_locked_ring_is_said(ring, monkeypatch):
    ring(Ring())
    assert secret_of("sentry", HOST) is None
    ring(Locked())
    with pytest.raises(
        AuthError, match=r"the keyring cannot be read .KeyringLocked.; unlock it, or set an environment"
    ):
        secret_of("sentry", HOST)
    ring(keyring.backends.fail.Keyring())
    assert secret_of("sentry", HOST) is None


def test_without_the_package_only_the_environment_is_looked_at(ring, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "keyring", None)
    assert secret_of("sentry", HOST) is None


class Misplaced(Ring):
    """As keyring behaves when its configuration names a backend that is not installed."""

    def get_password(self, service, username):
        raise ModuleNotFoundError("No module named 'no'")


def test_a_keyring_that_is_set_up_wrongly_and_a_variable_that_holds_no_secret_are_said(ring, monkeypatch):
    ring(Misplaced())
    with pytest.raises(AuthError, match=r"the keyring cannot be read .ModuleNotFoundError.; unlock it, or set an env"):
        secret_of("sentry", HOST)
    monkeypatch.setenv("BLINDSPOT_SENTRY_TOKEN", "hush hush")
    with pytest.raises(ParameterError, match="BLINDSPOT_SENTRY_TOKEN: a secret holds a space") as raised:
        secret_of("sentry", HOST)
    assert "hush" not in str(raised.value)
