"""What is printed at the end of a search."""

import re
from dataclasses import replace

from rich.console import Console

from mtlsearch.evidence.comparison import SINGLE
from mtlsearch.report.console import NO_VERDICT, summary
from mtlsearch.report.model import Report, ReportedInterval
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
    answer = [line.rstrip() for line in lines[-5:]]
    verdict = report.verdict
    assert answer[0] == verdict.sentence
    assert answer[1] == f"Use {verdict.recommended}. {verdict.why}"
    assert answer[2:] == [*verdict.caveats, verdict.figures, report.seeds.sentence]


def test_an_open_answer_has_commands_to_copy_before_the_figures() -> None:
    report = sample_report(decision="cannot tell")
    [advice] = report.verdict.advice
    lines = [line.rstrip() for line in printed(report).splitlines()]
    place = lines.index(f"To be surer (about 4 minutes), since {advice.why}:")
    assert lines[place + 1] == f"  {advice.command}"
    assert place + 1 < lines.index(report.verdict.figures)
    assert "To be surer" not in printed(sample_report())


def test_the_scores_of_a_column_have_as_many_decimals() -> None:
    lines = printed(sample_report()).splitlines()[3 : 3 + len(ARMS)]
    columns = zip(*(re.split(r"\s{2,}", line.strip())[1:4] for line in lines), strict=True)
    for column in columns:
        assert len({len(score.partition(".")[2]) for score in column}) == 1


def test_no_zero_has_a_sign() -> None:
    report = sample_report()
    none = ReportedInterval(-0.001, -0.004, 0.004)
    comparison = replace(report.comparisons[0], gain=none)
    text = printed(replace(report, comparisons=(comparison,)))
    assert "0.0 [0.0, 0.0]" in text
    assert not re.search(r"[+-]0\.00", text)


def test_ensembles_are_a_paragraph_before_the_verdict() -> None:
    lines = [line.rstrip() for line in printed(sample_report()).splitlines()]
    start = next(number for number, line in enumerate(lines) if "that ensembles" in line)
    assert lines[start - 1] == ""
    assert "searched +1.0" in lines[start]
    assert "that ensembles" not in printed(unfinished_report())


def test_gains_are_printed_with_the_ends_that_are_known() -> None:
    report = sample_report()
    line = printed(report).splitlines()[3]
    assert line.rstrip().endswith("+3.5 [+1.6, +5.4]                    +2.0 [+0.1, +3.9]")
    unknown = ReportedInterval(3.5, None, None)
    comparison = replace(report.comparisons[0], gain=unknown)
    text = printed(
        replace(report, comparisons=(comparison,), greedy_ensemble=None, references=None)
    )
    assert "+3.5" in text and "[+" not in text


def test_of_single_models_alone_no_gain_of_ensembles_is_printed() -> None:
    report = sample_report()
    single = tuple(entry for entry in report.comparisons if entry.models == SINGLE)
    text = printed(replace(report, comparisons=single))
    assert "gained by single models" in text
    assert "gained by ensembles" not in text


def test_a_remark_on_the_verdict_is_printed_after_it() -> None:
    report = sample_report()
    remark = "From single models alone the answer would be another. Cannot tell."
    verdict = replace(report.verdict, remark=remark)
    lines = printed(replace(report, verdict=verdict)).rstrip().splitlines()
    assert lines[-2].rstrip() == remark


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
    assert scores[:2] == ["linear", "(scikit-learn)"]
    assert any("without body_mass_g" in line for line in lines)
    assert gains == ["linear", "1.2"]


def test_what_is_better_than_the_recommended_model_is_said_before_the_verdict() -> None:
    report = sample_report()
    assert report.references is not None and report.verdict is not None
    text = " ".join(printed(report).split())
    assert text.index(report.references.sentence) < text.index(report.verdict.sentence)
    assert "random_forest +3.2 [+1.1, +5.3]" in text


def test_without_a_verdict_it_says_so() -> None:
    assert NO_VERDICT in printed(unfinished_report())
