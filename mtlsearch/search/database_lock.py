"""A lock in the database of a study: folders can be copied, so theirs do not keep drivers apart."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy
from filelock import FileLock, Timeout
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import NullPool

from mtlsearch.errors import StudyError
from mtlsearch.seeding import derive_seed

POSTGRESQL = "postgresql"
SQLITE = "sqlite"

# so that the server lets go of the lock within a minute of the death of a driver's machine
KEEPALIVES = {
    "tcp_keepalives_idle": 30,
    "tcp_keepalives_interval": 10,
    "tcp_keepalives_count": 3,
}

logger = logging.getLogger(__name__)


@contextmanager
def database_lock(engine: Engine, name: str, where: Path) -> Iterator[None]:
    """Hold a study for this process, whatever folder others have of it.

    PostgreSQL holds the lock as long as a connection lives, so it goes with the process. Beside an
    SQLite database it is a file. Other databases have none of ours, which is said.

    Args:
        engine: What reaches the database.
        name: The name of the study in it.
        where: The study's folder, for messages.

    Raises:
        StudyError: Another process holds it.
    """
    dialect = engine.dialect.name
    if dialect == POSTGRESQL:
        held = _advisory_lock(engine, name)
    elif dialect == SQLITE:
        held = _file_lock(Path(engine.url.database or ""), name)
    else:
        logger.warning(
            "%s: the lock of this study is in its folder alone: %s has none, so never work on it "
            "from a copy of the folder at the same time",
            where,
            dialect,
        )
        yield
        return
    with held as is_taken:
        if not is_taken:
            raise StudyError(f"{where}: another process is working on this study in its database")
        yield


@contextmanager
def _advisory_lock(engine: Engine, name: str) -> Iterator[bool]:
    """PostgreSQL's lock under a number; False where another connection holds it."""
    apart = sqlalchemy.create_engine(
        engine.url,
        poolclass=NullPool,  # a connection that is closed is gone, and the lock with it
        isolation_level="AUTOCOMMIT",  # no transaction is open for hours
    )
    query = sqlalchemy.text("SELECT pg_try_advisory_lock(:number)")
    number = derive_seed("lock of a study", name)
    with apart.connect() as connection:
        _keep_alive(connection)
        yield bool(connection.execute(query, {"number": number}).scalar())


def _keep_alive(connection: Connection) -> None:
    """Let the server ask whether the machine of this connection still lives."""
    for setting, value in KEEPALIVES.items():
        connection.execute(sqlalchemy.text(f"SET {setting} = {value}"))


@contextmanager
def _file_lock(database: Path, name: str) -> Iterator[bool]:
    """A lock beside an SQLite file; False where another process holds it."""
    number = derive_seed("lock of a study", name)
    lock = FileLock(database.with_name(f"{database.name}.{number:x}.lock"))
    try:
        held = lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    with held:
        yield True
