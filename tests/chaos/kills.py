"""SIGKILL at random moments, one after another in the life of one study."""

from tests.chaos.bench import Bench, Outcome
from tests.chaos.studies import (
    BIRTH,
    CONFIRMING,
    FINISHED,
    FITTING,
    PHASES,
    REPORTING,
    SEARCHING,
    Disturbed,
    phase,
)

TARGETS = (BIRTH, SEARCHING, CONFIRMING, FITTING, REPORTING)
EXPORT = "export"


def kill_9(bench: Bench) -> list[Outcome]:
    """Kill a search, its resumption, and so on, at a random moment of each phase; then an export.

    A phase may be over before the signal comes: the outcome says in which the program died.
    """
    disturbed = bench.new()
    died = []
    for target in TARGETS:
        seconds = bench.whole.seconds[target] * bench.draw.random()
        died += _kill_within(disturbed, target, seconds)
    is_equal = disturbed.comes_to(bench.whole)
    program = disturbed.start("export", disturbed.study, "--to", disturbed.model)
    if program.wait(bench.whole.export_seconds * bench.draw.random()):
        died.append(EXPORT)
    program.kill()
    is_equal = disturbed.exports(bench.whole) and is_equal
    return [Outcome(moment, disturbed.lost, is_equal) for moment in died]


def _kill_within(disturbed: Disturbed, target: int, seconds: float) -> list[str]:
    """Kill the program so many seconds after a phase began in it.

    Return the phase in which it died: none where the study was finished before.
    """
    if phase(disturbed.study) == FINISHED:
        return []
    program = disturbed.reach(target)
    is_alive = program.wait(seconds)
    moment = PHASES[phase(disturbed.study)]
    program.kill()
    disturbed.look()
    return [moment] if is_alive else []
