"""Where a study is trained: whether what it asks for is there, before anything is made."""

import socket

import torch

from mtlsearch.errors import UsageError
from mtlsearch.scratch import short_base
from mtlsearch.search.request import Request
from mtlsearch.search.runners.starter import LONGEST_FOLDER
from mtlsearch.search.worker_context import resolve_device

LOCAL = "local"  # the address that means this machine, as Ray has it
FOUND_BY_RAY = "auto"  # the address of whatever cluster this machine is of
CLIENT = "ray://"  # before the address of Ray's server for clients
CONNECT_SECONDS = 10.0


def address_of(text: str | None) -> str | None:
    """The address of a cluster that an option names; None for this machine."""
    return None if text == LOCAL else text


def check_place(request: Request) -> None:
    """Raise UsageError where this machine, or the cluster, has not what a study asks for.

    Of a cluster only whether something answers at its address is known without joining it.
    """
    if request.ray_address is not None:
        _check_address(request.ray_address)
        return
    resolve_device(request.device)
    _check_gpus(request)
    if not request.trains_here and short_base(LONGEST_FOLDER) is None:
        raise UsageError(
            "TMPDIR: the paths of Ray's sockets are too long there, and no shorter folder for "
            f"temporary files can be written; name one of at most {LONGEST_FOLDER} letters"
        )


def _check_gpus(request: Request) -> None:
    """Raise UsageError where a worker would wait for a GPU that never comes."""
    asked = request.gpus_per_worker
    present = torch.cuda.device_count()
    if asked > present:
        raise UsageError(
            f"--gpus-per-worker: found {asked:g}, but torch finds {present} GPUs here; leave it "
            "out, or name a cluster that has them with --ray-address"
        )


def _check_address(address: str) -> None:
    """Raise UsageError where nothing answers at the address of a cluster."""
    host, _, port = address.removeprefix(CLIENT).rpartition(":")
    if address == FOUND_BY_RAY or not port.isdigit():
        return  # Ray will say
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:  # the latter of a port beyond 65535
        raise UsageError(
            f"--ray-address: found {address}, where no cluster answers ({error}); name another, "
            f"or {LOCAL} for this machine"
        ) from error
