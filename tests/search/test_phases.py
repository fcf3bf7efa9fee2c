"""A queue of phases: each begins when the one before it is finished, references hold up none."""

from mtlsearch.records import TrainingResult
from mtlsearch.search.work_queue import WorkQueue


class Trainings:
    """A schedule of so many trainings, one after another."""

    cohort = 1

    def __init__(self, arm, total):
        self.arm, self.total = arm, total
        self._finished = set()

    def ready(self, index):
        return True

    def job(self, number):
        return number

    def finish(self, result):
        self._finished.add(result.number)

    def finished(self):
        return self._finished


def test_the_next_phase_does_not_wait_for_what_is_beside():
    begun = []

    def phases():
        for arm in ("search", "confirmation"):
            begun.append(arm)
            yield [Trainings(arm, 1)]
        begun.append("end")

    queue = WorkQueue([Trainings("references", 2)], lambda arm, result: None)
    queue.follow(phases())
    assert begun == ["search"]
    assert {queue.next().arm, queue.next().arm} == {"search", "references"}
    queue.done("search", TrainingResult.failed(0, "worn out"))
    assert begun == ["search", "confirmation"]
    assert [queue.next().arm, queue.next().arm] == ["confirmation", "references"]
    queue.done("confirmation", TrainingResult.failed(0, "worn out"))
    assert begun[-1] == "end"
    assert not queue.finished
    for number in range(2):
        queue.done("references", TrainingResult.failed(number, "worn out"))
    assert queue.finished


def test_a_finished_phase_is_passed_over_and_none_begins_after_a_stop():
    done = Trainings("search", 1)
    done.finish(TrainingResult.failed(0, "worn out"))
    phases = iter([[done], [Trainings("confirmation", 1)], [Trainings("more", 1)]])
    queue = WorkQueue([], lambda arm, result: None)
    queue.follow(phases)
    assert queue.next().arm == "confirmation"
    queue.stop()
    queue.done("confirmation", TrainingResult.failed(0, "worn out"))
    assert queue.next() is None
    assert next(phases)[0].arm == "more"
