"""The database that a study is stored in, reached through Optuna."""

import sqlite3
import warnings
from collections.abc import Sequence
from pathlib import Path

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.storages import RDBStorage
from optuna.storages._rdb.models import StudyModel, TrialModel
from optuna.trial import TrialState
from sqlalchemy import event, func, select
from sqlalchemy.engine import URL

LOCK_SECONDS = 60  # for which one process waits while another writes


def local_url(file: Path) -> str:
    """The URL of an SQLite file, whatever letters its path has."""
    url = URL.create("sqlite", database=str(file.resolve()))
    return url.render_as_string()


def open_storage(url: str) -> RDBStorage:
    """The storage of an SQLAlchemy URL; its tables are made where they are missing.

    Raises an error of SQLAlchemy when it cannot be reached, and ImportError without its driver.
    """
    if not url.startswith("sqlite"):
        return RDBStorage(url, engine_kwargs={"pool_pre_ping": True})
    settings = {"connect_args": {"timeout": LOCK_SECONDS}}
    storage = RDBStorage(url, engine_kwargs=settings)
    event.listen(storage.engine, "connect", _tune_sqlite)
    storage.engine.dispose()  # connections made so far were not tuned
    return storage


def count_states(
    storage: RDBStorage,
    study_name: str,
) -> dict[TrialState, int]:
    """How many trials of a study are in each state, counted where they are stored.

    Of a long study it would take minutes to read them. There are none of a study that is not there.
    """
    statement = (
        select(TrialModel.state, func.count())
        .join(StudyModel, StudyModel.study_id == TrialModel.study_id)
        .where(StudyModel.study_name == study_name)
        .group_by(TrialModel.state)
    )
    with storage.engine.connect() as connection:
        rows = connection.execute(statement).all()
    return dict(rows)


def name_metrics(study: optuna.Study, names: Sequence[str]) -> None:
    """Give the objectives of a study the names by which Optuna's tools show them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        if study.metric_names != list(names):
            study.set_metric_names(list(names))


def _tune_sqlite(connection: sqlite3.Connection, _: object) -> None:
    """Write a log ahead of the database.

    Nothing is lost when a process is killed, and a write takes half the time.
    """
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}").close()
