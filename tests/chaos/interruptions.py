"""SIGTERM and Ctrl-C, in each phase of a study."""

from collections.abc import Callable
from signal import SIGINT, SIGTERM

from tests.chaos.bench import Bench, Outcome
from tests.chaos.program import Run
from tests.chaos.studies import CONFIRMING, FINISHED, FITTING, PHASES, REPORTING, SEARCHING, phase

INTERRUPTED = 130
STUDIES = 5  # of which each may have ended before it could be stopped
MOST_BETWEEN = 0.3  # seconds between two presses of Ctrl-C


def terminate(bench: Bench) -> list[Outcome]:
    """SIGTERM."""
    return _in_each_phase(bench, lambda program: program.send(SIGTERM))


def ctrl_c(bench: Bench) -> list[Outcome]:
    """Ctrl-C."""
    return _in_each_phase(bench, lambda program: program.send(SIGINT))


def ctrl_c_twice(bench: Bench) -> list[Outcome]:
    """Ctrl-C, and again before the program has ended."""

    def twice(program: Run) -> None:
        program.send(SIGINT)
        program.wait(MOST_BETWEEN * bench.draw.random())
        program.send(SIGINT)

    return _in_each_phase(bench, twice)


def _in_each_phase(bench: Bench, stop: Callable[[Run], None]) -> list[Outcome]:
    """Stop a study in its phases; another one where it was too quick for all of them."""
    for _ in range(STUDIES):
        outcomes = _in_phases_of_one(bench, stop)
        if outcomes:
            return outcomes
    return []


def _in_phases_of_one(bench: Bench, stop: Callable[[Run], None]) -> list[Outcome]:
    """Stop one study at a random moment of each phase.

    It ends with the exit code of an interruption, without a traceback, and says how to go on.
    """
    disturbed = bench.new()
    moments = []
    for target in (SEARCHING, CONFIRMING, FITTING, REPORTING):
        if phase(disturbed.study) == FINISHED:
            break
        program = disturbed.reach(target)
        if not program.wait(bench.whole.seconds[target] * bench.draw.random()):
            continue
        moment = PHASES[phase(disturbed.study)]
        stop(program)
        done = program.finish()
        disturbed.look()
        if done.code == 0:  # it had just finished
            continue
        assert done.code == INTERRUPTED, (moment, done)
        assert "Traceback" not in done.err, (moment, done.err)
        moments.append(moment)
    is_equal = disturbed.comes_to(bench.whole)
    return [Outcome(moment, disturbed.lost, is_equal) for moment in moments]
