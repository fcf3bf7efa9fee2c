"""What a study keeps of the URL of its database, and where the password comes from."""

import pytest

from mtlsearch.search.credentials import VARIABLE, has_password, with_password, without_password

KEPT = {
    "postgresql://user:s%40cret@host:5432/studies": "postgresql://user@host:5432/studies",
    "postgresql://user@host/db?password=s&sslmode=require": (
        "postgresql://user@host/db?sslmode=require"
    ),
    "mysql+pymysql://user:secret@host/db": "mysql+pymysql://user@host/db",
}


@pytest.mark.parametrize("url", KEPT)
def test_a_password_is_not_kept(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = KEPT[url]
    assert has_password(url)
    assert without_password(url) == kept
    monkeypatch.setenv(VARIABLE, url)
    assert with_password(kept) == url
    assert with_password("postgresql://user@another/db") == "postgresql://user@another/db"
    assert with_password(url) == url


@pytest.mark.parametrize("url", ["postgresql://user@host/db", "sqlite:////tmp/a b/study.db"])
def test_a_url_without_password_stays_as_it_is(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert without_password(url) == url
    assert with_password(url) == url
