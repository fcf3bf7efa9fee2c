"""What a study asks for and is not there is refused in a line, before a study is made."""

import socket
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mtlsearch.api.estimator import Search
from mtlsearch.errors import UsageError
from mtlsearch.search import place
from mtlsearch.search.place import LONGEST_FOLDER, address_of, check_place
from mtlsearch.search.request import Request

REQUEST = Request("penguins", (), {}, "quick", "0" * 64, "2024-01-31T12:00:00+00:00")


def test_gpus_that_are_not_here_are_refused_and_no_folder_is_made(tmp_path: Path) -> None:
    more = torch.cuda.device_count() + 1
    search = Search("quick", gpus_per_worker=more, study=tmp_path / "study", progress=False)
    with pytest.raises(UsageError, match=r"gpus_per_worker: found .* GPUs here") as error:
        search.fit("penguins")
    assert error.value.exit_code == 2
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize("gpus", [-1.0, float("nan"), float("inf"), 1.5])
def test_impossible_shares_of_gpus_are_refused(gpus: float) -> None:
    with pytest.raises(UsageError, match="--gpus-per-worker"):
        replace(REQUEST, gpus_per_worker=gpus)


def test_an_address_where_nobody_answers_is_refused(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"127.0.0.1:{port}"
    search = Search("quick", ray_address=address, study=tmp_path / "study", progress=False)
    with pytest.raises(UsageError, match="no cluster answers"):
        search.fit("penguins")
    assert not (tmp_path / "study").exists()
    with pytest.raises(UsageError, match="no cluster answers"):
        check_place(replace(REQUEST, ray_address=f"ray://{address}"))
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        check_place(replace(REQUEST, ray_address=f"127.0.0.1:{server.getsockname()[1]}"))
    check_place(replace(REQUEST, ray_address="auto"))


def test_this_machine_is_no_address() -> None:
    assert address_of("local") is None
    assert address_of("head:6379") == "head:6379"


def test_a_folder_for_temporary_files_with_too_long_a_path_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, "short_base", lambda longest: None)
    with pytest.raises(UsageError, match=f"at most {LONGEST_FOLDER} letters"):
        check_place(REQUEST)
    check_place(replace(REQUEST, runner="local"))
