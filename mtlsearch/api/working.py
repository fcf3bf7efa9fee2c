"""Work on a study: brings it to its end, writes its report, and leaves the process as it was."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import torch

from mtlsearch.api.announcing import Announcer
from mtlsearch.api.problem import Opened
from mtlsearch.callbacks import Callback
from mtlsearch.callbacks.telling import telling
from mtlsearch.data import find_traps
from mtlsearch.kernels import came_too_late
from mtlsearch.report.build import build_report
from mtlsearch.report.model import Report
from mtlsearch.report.write import write_report
from mtlsearch.search.extension import Extension
from mtlsearch.search.observers import Observers
from mtlsearch.search.own_samplers import own_sampler_of
from mtlsearch.search.place import check_place
from mtlsearch.search.progress import Progress
from mtlsearch.search.session import Observer, resumable, work
from mtlsearch.search.status import StudyStatus
from mtlsearch.search.study import Study

REPORT_FOLDER = "report"  # within that of the study


def bring_to_its_end(
    opened: Opened,
    announcer: Announcer,
    extension: Extension | None = None,
    callbacks: Sequence[Callback] = (),
) -> tuple[Opened, Report]:
    """Lock a study, extend it, train whatever is left, and write its report.

    Returns:
        The study with the data of its first outer fold, and its report.

    Raises:
        InterruptedSearchError: After Ctrl-C, with everything finished recorded.
        StudyError: Another process works on it, or it cannot be extended so.
        UsageError: What is to train it is not there.
        NoCandidateError: No training succeeded.
    """
    stored = opened.stored
    with stored.lock(), process_as_it_was(), resumable(stored):
        stored.keep_data()
        if extension is not None:
            opened = replace(opened, dataset=extension.apply(stored, opened.dataset))
        if not StudyStatus.of(stored).finished:
            check_place(stored.request)
        for line in _beginning(opened):
            announcer.tell(line)
        shown = Progress(stored, opened.dataset) if announcer.progress else nullcontext(Observer())
        with telling(callbacks, stored, opened.dataset, announcer.tell) as teller:
            with shown as observer:
                observers = Observers([_Told(announcer), observer, teller])
                work(stored, opened.dataset, opened.space, observers)
                observer.enter("writing the report")
                report = build_report(stored, opened.dataset, opened.space)
                page = write_report(report, report_page(stored).parent)
            teller.conclude(report, page.parent)
    return opened, report


class _Told(Observer):
    """Passes on what is decided while a study runs."""

    def __init__(self, announcer: Announcer) -> None:
        self._announcer = announcer

    def tell(self, words: str) -> None:
        """Something is decided that the user is to know."""
        self._announcer.tell(words)


def report_page(stored: Study) -> Path:
    """The page of a study's report, beside which its other files are."""
    return stored.folder / REPORT_FOLDER / "report.html"


@contextmanager
def process_as_it_was() -> Iterator[None]:
    """Give back what training sets in the whole process: threads, precision, random numbers."""
    threads = torch.get_num_threads()
    rounds = torch.backends.cudnn.allow_tf32
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        torch.set_num_threads(threads)
        torch.backends.cudnn.allow_tf32 = rounds


def _beginning(opened: Opened) -> Iterator[str]:
    """What is to be known before anything is trained."""
    yield from opened.dataset.notices
    for warning in find_traps(opened.dataset):
        yield f"warning: {warning}"
    if opened.stored.request.trains_here and came_too_late():
        yield (
            "torch has multiplied in this process already, so the last bits of scores may differ "
            "from those of a fresh process; call fit before anything else that uses torch, or "
            "leave runner as it is"
        )
    sampler = own_sampler_of(opened.stored.request)
    if sampler is not None and not StudyStatus.of(opened.stored).finished:
        yield sampler.describe()
    yield f"study: {opened.stored.folder}"
