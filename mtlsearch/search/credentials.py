"""Passwords of databases: a study keeps none, so each process gets them from its surroundings."""

import os

from sqlalchemy.engine import URL, make_url

VARIABLE = "MTLSEARCH_STORAGE"  # of the environment: a URL with its password
SECRETS = ("password", "passwd", "sslpassword")  # of a URL's query

HOW_TO_GIVE = (
    "a study keeps no password of its database; give it in PGPASSWORD or ~/.pgpass, "
    f"or the whole URL in {VARIABLE}"
)


def without_password(url: str) -> str:
    """The URL of a database as a study keeps it. Raises an error of SQLAlchemy for nonsense."""
    if not has_password(url):
        return url
    return _spelled(_bare(make_url(url)))


def has_password(url: str) -> bool:
    """Whether a URL holds a password."""
    parsed = make_url(url)
    return parsed.password is not None or not parsed.query.keys().isdisjoint(SECRETS)


def with_password(url: str) -> str:
    """The URL with the password that the environment has for it, or else as it is."""
    given = os.environ.get(VARIABLE)
    if given and without_password(given) == url:
        return given
    return url


def _bare(url: URL) -> URL:
    """A URL without any secret."""
    plain = url.difference_update_query(SECRETS)
    return URL.create(
        plain.drivername,
        username=plain.username,
        host=plain.host,
        port=plain.port,
        database=plain.database,
        query=plain.query,
    )


def _spelled(url: URL) -> str:
    return url.render_as_string(hide_password=False)
