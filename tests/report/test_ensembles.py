"""What is said of ensembles: scores beside single models, what is missing, what is compared."""

from dataclasses import replace

from mtlsearch.evidence.comparison import SINGLE
from mtlsearch.report.ensembles import ensemble_section, ensemble_sentence
from mtlsearch.report.html import render_page
from mtlsearch.report.model import EnsembleScore, Report, ReportedEnsemble, ReportedInterval
from tests.support.sample_report import ARMS, sample_report, unfinished_report

NONE = ReportedEnsemble((), (), {}, None, "it takes two confirmed models")


def without_ensembles(report: Report, *arms: str) -> Report:
    models = []
    for model in report.confirmed:
        models.append(replace(model, ensemble=NONE) if model.arm in arms else model)
    return replace(report, confirmed=tuple(models))


def of_one_task() -> Report:
    report = sample_report(["a", "b"])
    return replace(report, tasks=report.tasks[:1])


def test_the_sentence_has_the_gain_of_each_arm_and_what_it_lacks() -> None:
    report = sample_report()
    sentence = ensemble_sentence(report)
    assert "searched +1.00%, single_task +1.00%" in sentence
    assert "random +1.00% (4 of 5 seeds)" in sentence
    assert sentence.endswith("; the verdict compares ensembles.")
    verdict = replace(report.verdict, models=SINGLE)
    sentence = ensemble_sentence(replace(report, verdict=verdict))
    assert sentence.endswith("; the verdict compares single models.")


def test_a_reason_for_having_no_ensemble_is_given_once() -> None:
    report = without_ensembles(sample_report(), "searched", "single_task")
    sentence = ensemble_sentence(report)
    assert "searched has none, as it takes two confirmed models, single_task has none" in sentence
    assert ensemble_sentence(unfinished_report()) == ""


def test_a_cell_has_the_score_with_its_interval_the_single_models_and_the_gain() -> None:
    report = of_one_task()
    gain = ReportedInterval(2.0, 1.0, 3.0)
    scores = {"a": EnsembleScore(0.9, 0.92, 0.91, 0.93, gain)}
    ensemble = replace(report.confirmed[0].ensemble, tasks=scores, gain=gain)
    model = replace(report.confirmed[0], ensemble=ensemble)
    section = ensemble_section(replace(report, confirmed=(model,)))
    assert section is not None
    [row] = section.rows
    [cell] = row.cells
    assert (row.name, row.metric) == ("a", "accuracy, higher is better")
    assert cell.score == "0.920 [0.910, 0.930]"
    assert (cell.single, cell.gain) == ("0.900", "+2.00 [+1.00, +3.00] %")
    assert section.gains == ["+2.00 [+1.00, +3.00] %"]


def test_ends_that_are_unknown_are_left_out() -> None:
    report = of_one_task()
    gain = ReportedInterval(0.0, None, None)
    scores = {"a": EnsembleScore(1.0, 1.0, None, None, gain)}
    model = report.confirmed[0]
    ensemble = replace(model.ensemble, tasks=scores, gain=gain)
    section = ensemble_section(replace(report, confirmed=(replace(model, ensemble=ensemble),)))
    assert section is not None
    assert section.rows[0].cells[0].score == "1"
    assert section.gains == ["0.00 %"]


def test_what_is_missing_is_said_arm_by_arm() -> None:
    section = ensemble_section(without_ensembles(sample_report(), "searched"))
    assert section is not None
    assert [model.arm for model in section.models] == list(ARMS[1:])
    assert section.missing == [
        "searched has no ensemble: it takes two confirmed models",
        "random, seed 0 is left out: loss became NaN in epoch 4",
    ]
    assert ensemble_section(unfinished_report()) is None


def test_the_page_shows_them() -> None:
    report = sample_report()
    page = " ".join(render_page(report).split())
    section = page[page.index('<section aria-labelledby="ensembles">') :]
    section = section[: section.index("</section>")]
    assert section.count("<small>single ") == len(report.tasks) * len(ARMS)
    assert section.count("+1.00 [+0.20, +1.80] %</strong>") == len(ARMS)
    assert "random, seed 0 is left out: loss became NaN in epoch 4" in section
    nothing = render_page(without_ensembles(report, *ARMS))
    assert "searched has no ensemble" in nothing
    assert "Test scores of ensembles" not in nothing
    assert 'id="ensembles"' not in render_page(unfinished_report())
