"""What is printed at the end of a search."""

from dataclasses import replace

from rich.console import Console

from mtlsearch.evidence.comparison import SINGLE
from mtlsearch.report.console import NO_VERDICT, summary
from mtlsearch.report.model import Report, ReportedGain, ReportedInterval
from tests.support.sample_report import ARMS, sample_report, unfinished_report


def printed(report: Report) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(summary(report))
    return capture.get()


def test_every_confirmed_arm_has_a_line_and_the_verdict_is_followed_by_its_seeds() -> None:
    report = sample_report()
    lines = printed(report).rstrip().splitlines()
    assert lines[0].startswith("mean test scores over fresh seeds")
    assert "species" in lines[1] and "(accuracy)" in lines[2]
    assert tuple(line.split()[0] for line in lines[3 : 3 + len(ARMS)]) == ARMS
    assert "linear (scikit-learn)" in lines[3 + len(ARMS)]
    assert [line.rstrip() for line in lines[-2:]] == [
        report.verdict.sentence,
        report.seeds.sentence,
    ]


def test_what_would_make_an_open_answer_surer_is_a_command_to_copy() -> None:
    report = sample_report(decision="cannot tell")
    last = printed(report).rstrip().splitlines()[-1]
    assert last.rstrip() == (
        "Surer with: python cli.py resume study --seeds 20 (about 2 min): the seeds are the larger "
        "part of the interval."
    )


def test_ensembles_are_a_paragraph_before_the_verdict() -> None:
    lines = [line.rstrip() for line in printed(sample_report()).splitlines()]
    start = next(number for number, line in enumerate(lines) if line.startswith("Ensembles"))
    assert lines[start - 1] == ""
    assert "searched +1.00%" in lines[start]
    assert "Ensembles" not in printed(unfinished_report())


def test_gains_are_printed_with_the_ends_that_are_known() -> None:
    report = sample_report()
    line = printed(report).splitlines()[3]
    assert line.rstrip().endswith("+3.50% [+1.60, +5.40]   +2.00% [+0.10, +3.90]")
    unknown = ReportedInterval(3.5, None, None)
    comparison = replace(report.comparisons[0], gain=ReportedGain(unknown, unknown.flipped))
    text = printed(
        replace(report, comparisons=(comparison,), greedy_ensemble=None, references=None)
    )
    assert "+3.50%" in text and "[+" not in text


def test_of_single_models_alone_no_gain_of_ensembles_is_printed() -> None:
    report = sample_report()
    single = tuple(entry for entry in report.comparisons if entry.models == SINGLE)
    text = printed(replace(report, comparisons=single))
    assert "gain of single models" in text
    assert "gain of ensembles" not in text


def test_a_remark_on_the_verdict_is_printed_before_it() -> None:
    report = sample_report()
    remark = "From single models alone the answer would be another. Cannot tell."
    verdict = replace(report.verdict, remark=remark)
    lines = printed(replace(report, verdict=verdict)).rstrip().splitlines()
    assert lines[-4].rstrip() == remark


def test_at_most_eight_tasks_have_a_column() -> None:
    text = printed(sample_report([f"t{number}" for number in range(12)]))
    assert "t7 " in text and "t8 " not in text


def test_a_reference_may_lack_a_task() -> None:
    report = sample_report()
    assert report.references is not None
    model = replace(report.references.models[0], mean={}, gains={}, gain=None)
    references = replace(report.references, models=(model,))
    lines = printed(replace(report, references=references)).splitlines()
    [scores, gains] = [line.split() for line in lines if line.startswith("linear ")][:2]
    assert scores == ["linear", "(scikit-learn)"]
    assert gains == ["linear", "1.2"]


def test_what_is_better_than_the_recommended_model_is_said_before_the_verdict() -> None:
    report = sample_report()
    assert report.references is not None and report.verdict is not None
    text = " ".join(printed(report).split())
    assert text.index(report.references.sentence) < text.index(report.verdict.sentence)
    assert "random_forest +3.2 [+1.1, +5.3]" in text


def test_without_a_verdict_it_says_so() -> None:
    assert NO_VERDICT in printed(unfinished_report())
