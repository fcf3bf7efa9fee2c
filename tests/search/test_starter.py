"""Ray's start in a thread: its end is waited for, but never for ever."""

import threading
import time

import pytest

from mtlsearch.errors import MtlsearchError
from mtlsearch.search.runners.starter import Starter


def test_the_thread_lives_as_long_as_the_block() -> None:
    threads = []
    with Starter(lambda: threads.append(threading.current_thread())) as starter:
        starter.wait(None, threading.Event())
        starter.outcome.result()
        assert threads[0].is_alive()
    assert not threads[0].is_alive()


def test_an_error_of_the_start_is_its_outcome() -> None:
    def fail() -> None:
        raise KeyError("no")

    with Starter(fail) as starter:
        starter.wait("head:6379", threading.Event())
        with pytest.raises(KeyError):
            starter.outcome.result()


def test_a_cluster_that_hangs_is_given_up() -> None:
    released = threading.Event()
    with (
        Starter(released.wait, 0.1) as starter,
        pytest.raises(MtlsearchError, match="head:6379 does not answer within 0"),
    ):
        starter.wait("head:6379", threading.Event())
    released.set()


def test_whoever_stops_it_does_not_wait_for_a_cluster() -> None:
    released = threading.Event()
    stopped = threading.Event()
    stopped.set()
    begin = time.monotonic()
    with Starter(released.wait) as starter:
        starter.wait("head:6379", stopped)
    assert time.monotonic() - begin < 1
    released.set()
