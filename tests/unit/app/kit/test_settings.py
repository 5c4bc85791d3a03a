"""Settings from an environment that the test sets."""

from __future__ import annotations

import pytest

from app.enrollment.settings import WorkerSettings
from app.kit.settings import CachedServiceSettings, SettingsError, load

COMPLETE = {"SPIRE_PORT": "8001", "SPIRE_REPLICA": "courses-1", "SPIRE_DATABASE_URL": "postgresql+psycopg2://u:secret@127.0.0.1:1/d"}


def _environment(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)


def test_without_a_cache_address_there_is_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache is off unless its address is given; secrets don't show."""
    _environment(monkeypatch, COMPLETE)
    settings = load(CachedServiceSettings)
    assert settings.cache_url is None
    assert settings.port == 8001
    assert "secret" not in repr(settings)


def test_every_missing_variable_is_named() -> None:
    """One sentence names the variables that the worker lacks."""
    with pytest.raises(SettingsError) as caught:
        load(WorkerSettings)
    for name in ("SPIRE_REPLICA", "SPIRE_DATABASE_URL", "SPIRE_HEALTH_PORT", "SPIRE_BROKER_URL", "SPIRE_PEERS_URL"):
        assert name in str(caught.value)


def test_a_bad_value_is_named_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong may be a secret, so only its name is told."""
    _environment(monkeypatch, COMPLETE | {"SPIRE_THREADS": "hunter2"})
    with pytest.raises(SettingsError, match="SPIRE_THREADS") as caught:
        load(CachedServiceSettings)
    assert "hunter2" not in str(caught.value)
