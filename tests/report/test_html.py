"""The report page: escaped strings, readable before confirmation, drawn without overflow."""

import html
import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, get_args

import pytest

from mtlsearch.evidence.verdict import Decision
from mtlsearch.report.html import render_page
from mtlsearch.report.model import (
    NameUse,
    ReportedChoice,
    ReportedInterval,
    UseCount,
)
from tests.support.sample_report import sample_report, unfinished_report

HOSTILE = '</script><script>alert("x")</script><img src=x onerror=alert(1)>'
NOTE = "95% interval over training seeds and test rows"
CONVENTION = "points of mean skill over single-task, 0 being the best constant and 100 perfect"
FREE_TEXTS = {
    "sentence",
    "reason",
    "digest",
    "folder",
    "platform",
    "tree",
    "metric",
    "kind",
    "sampler",
}  # fields that hold strings to which no other field refers
SCRIPT = re.compile(r"<script>.*?</script>", re.DOTALL)
SCRIPT_OR_STYLE = re.compile(r"<(script|style)[ >].*?</\1>", re.DOTALL)


def _poisoned(value: Any, name: str = "") -> Any:
    """The report with hostile text appended to every free text."""
    if is_dataclass(value) and not isinstance(value, type):
        changes = {
            field.name: _poisoned(getattr(value, field.name), field.name) for field in fields(value)
        }
        return replace(value, **changes)
    if isinstance(value, Mapping):
        return {key: _poisoned(entry, key) for key, entry in value.items()}
    if isinstance(value, tuple):
        return tuple(_poisoned(entry, name) for entry in value)
    if isinstance(value, str) and name in FREE_TEXTS:
        return f"{value}{HOSTILE}"
    return value


def _one_line(page: str) -> str:
    return " ".join(page.split())


def _words_of_section(page: str, name: str) -> str:
    """The words of a section, without tags."""
    rest = page[page.index(f'<section aria-labelledby="{name}">') :]
    section = rest[: rest.index("</section>")]
    return _one_line(re.sub(r"<[^>]*>", " ", section))


@pytest.mark.parametrize("decision", get_args(Decision))
def test_the_page_states_its_decision(decision: Decision) -> None:
    report = sample_report(decision=decision)
    page = render_page(report)
    assert report.verdict is not None
    assert f"Verdict: {decision}" in page and f'aria-label="{decision}"' in page
    verdict = report.verdict
    said = [verdict.sentence, verdict.why, *verdict.caveats, verdict.figures]
    said += [advice.command for advice in verdict.advice]
    places = [page.index(html.escape(text)) for text in said[:-1]]
    assert all(html.escape(text) in page for text in said)
    assert places[0] < places[1] < places[-1]  # words before figures
    assert NOTE in page and CONVENTION in _one_line(page)


def test_gains_of_ensembles_and_of_single_models_stand_together() -> None:
    """First those that the verdict is about, in the table of arms and of the recommended model."""
    report = sample_report()
    arms = _words_of_section(render_page(report), "arms")
    assert "+2.0 [+0.1, +3.9] ensembles" in arms
    assert "single models +3.5 [+1.6, +5.4]" in arms
    assert report.verdict is not None
    on_single = replace(report, verdict=replace(report.verdict, models="single"))
    arms = _words_of_section(render_page(on_single), "arms")
    assert "+3.5 [+1.6, +5.4] single models" in arms
    assert "ensembles +2.0 [+0.1, +3.9]" in arms

    recommended = _words_of_section(render_page(report), "recommended")
    assert "mean predictions of 5 training seeds" in recommended
    assert "+2.0 [+0.1, +3.9] points Single models: +3.5 [+1.6, +5.4] points" in recommended
    recommended = _words_of_section(render_page(on_single), "recommended")
    assert "single models, mean ± standard error over 5 training seeds" in recommended
    assert "+3.5 [+1.6, +5.4] points Ensembles: +2.0 [+0.1, +3.9] points" in recommended


def test_relative_gains_stand_aside_and_say_that_nothing_is_decided_on_them() -> None:
    arms = _words_of_section(render_page(sample_report()), "arms")
    aside = arms[arms.index("Relative gains, as papers report them") :]
    assert "searched ensembles +2.0 [+0.1, +3.9] −2.0 [−3.9, −0.1]" in aside
    assert "single models +3.5 [+1.6, +5.4] −3.5 [−5.4, −1.6]" in aside
    assert "Nothing is decided on them" in aside


def test_a_remark_stands_beside_the_verdict() -> None:
    report = sample_report()
    remark = "From single models alone the answer would be another. Cannot tell."
    assert report.verdict is not None
    verdict = replace(report.verdict, remark=remark)
    page = render_page(replace(report, verdict=verdict))
    assert f'<p class="meta">{remark}</p>' in page
    assert page.index(remark) < page.index("Recommended model</h2>")
    assert "answer would be another" not in render_page(report)


def test_the_greedy_ensemble_has_a_section_with_what_it_costs() -> None:
    report = sample_report()
    section = _words_of_section(render_page(report), "greedy")
    assert "75 % searched 25 % single_task" in section
    assert "10 models to deploy: 2 × 5 seeds." in section
    assert "+2.5 [+0.5, +4.5] points" in section
    assert "random could not be chosen: it has no model of seed 0" in section
    assert 'id="greedy"' not in render_page(replace(report, greedy_ensemble=None))


def test_the_page_is_a_pure_function_and_needs_no_network() -> None:
    report = sample_report()
    page = render_page(report)
    assert report == sample_report()
    assert render_page(report) == page
    assert "default-src 'none'" in page
    without_scripts = SCRIPT.sub("", page)
    assert not re.search(r"""(src|href)=["']?https?:""", without_scripts)


def test_hostile_names_are_escaped_everywhere() -> None:
    names = [f"{HOSTILE}{number}" for number in range(3)]
    page = render_page(_poisoned(sample_report(names, sources=(HOSTILE,))))
    assert page.count("<script") == 4 and page.count("</script>") == 4
    assert "<img" not in SCRIPT.sub("", page)
    assert html.escape(names[0]) in page.replace("&#34;", "&quot;")
    assert page.count(html.escape(HOSTILE).replace("&quot;", "&#34;")) > 20


def test_plot_texts_hold_no_tags_of_the_user() -> None:
    page = render_page(sample_report(["<a href='https://example.org'>t</a>", "b"]))
    plots = re.search(r'<script type="application/json" id="plots">(.*?)</script>', page, re.DOTALL)
    assert plots is not None
    figure = json.loads(plots[1])["pareto"]["figure"]
    assert "<a" not in json.dumps(figure["data"]) + json.dumps(figure["layout"])


def test_an_unfinished_study_is_readable() -> None:
    page = render_page(unfinished_report())
    assert "Not confirmed yet" in page
    assert "No candidate was trained yet" in page
    assert "not finished" in page


def test_a_study_with_a_front_but_no_confirmation_draws_its_trees() -> None:
    page = render_page(replace(sample_report(), confirmed=(), comparisons=(), verdict=None))
    assert "Not confirmed yet" in page and "<article>" in page and "pareto-plot" in page


def test_missing_numbers_are_dashes() -> None:
    report = sample_report()
    unknown = ReportedInterval(1.0, None, None)
    gain = unknown
    comparisons = [replace(comparison, gain=gain) for comparison in report.comparisons]
    confirmed = [
        replace(model, standard_error=dict.fromkeys(model.standard_error))
        for model in report.confirmed
    ]
    first_arm, *arms = report.arms
    report = replace(
        report,
        comparisons=tuple(comparisons),
        confirmed=tuple(confirmed),
        arms=(replace(first_arm, best_gain=None), *arms),
    )
    text = SCRIPT_OR_STYLE.sub("", render_page(report))
    assert "None" not in text
    assert '<td class="n">–</td>' in text


def _choice(trainings: int = 36) -> ReportedChoice:
    names = (
        NameUse(
            name="none",
            trainings=UseCount(12, 0),
            failed=0,
            front=UseCount(0, 0),
            picked=True,
            gain=ReportedInterval(2.0, 0.5, 3.5),
        ),
        NameUse(
            name="l2_sharing",
            trainings=UseCount(7, 4),
            failed=2,
            front=UseCount(1, 3),
            picked=False,
            gain=ReportedInterval(-2.0, -3.5, -0.5),
        ),
        NameUse(
            name="gate",
            trainings=UseCount(0, 0),
            failed=0,
            front=UseCount(0, 0),
            picked=False,
            gain=None,
        ),
    )
    return ReportedChoice("searched", "sharing", trainings, 3, names)


def test_names_are_shown_with_what_was_used_what_was_inactive_and_what_is_sure() -> None:
    page = render_page(replace(sample_report(), choices=(_choice(),)))
    words = _words_of_section(page, "choices")
    assert "none 12 0 yes +2.0 [+0.5, +3.5] ▲" in words
    assert "l2_sharing 7 + 4 inactive 2 failed 1 + 3 inactive – −2.0 [−3.5, −0.5] ▼" in words
    assert "never tried: gate" in words


def test_a_name_that_never_acted_was_tried_all_the_same() -> None:
    choice = _choice()
    *others, gate = choice.names
    gate = replace(gate, trainings=UseCount(0, 2))
    page = render_page(replace(sample_report(), choices=(replace(choice, names=(*others, gate)),)))
    assert "never tried" not in _words_of_section(page, "choices")


def test_the_names_of_every_arm_are_shown_in_the_order_of_the_arms() -> None:
    words = _words_of_section(render_page(sample_report()), "choices")
    assert words.index("Arm searched") < words.index("Arm random")


def test_where_nothing_varies_by_name_there_is_no_section_on_names() -> None:
    page = render_page(replace(sample_report(), choices=()))
    assert 'aria-labelledby="choices"' not in page


def test_an_arm_that_has_not_begun_has_no_names() -> None:
    report = sample_report()
    first, *others = report.choices
    page = render_page(replace(report, choices=(replace(first, trainings=0), *others)))
    words = _words_of_section(page, "choices")
    assert words.index("weighting") < words.index("sharing")
    untouched = render_page(replace(report, choices=(_choice(trainings=0),)))
    assert 'aria-labelledby="choices"' not in untouched


def test_at_most_twelve_trees_are_drawn_and_the_rest_is_counted() -> None:
    report = sample_report()
    candidates = (report.front * 5)[:30]
    page = render_page(replace(report, candidates=candidates))
    assert page.count("<article>") == 12 and "18 more" in page


def test_single_task_recommended_still_shows_the_best_sharing_model() -> None:
    page = render_page(sample_report(decision="do not share"))
    assert "The model that stood for sharing, arm <strong>searched</strong>" in page


def test_ready_made_models_stand_beside_the_recommended_one() -> None:
    report = sample_report()
    assert report.references is not None
    page = render_page(report)
    words = _words_of_section(page, "references")
    assert "Task recommended linear random forest" in words
    assert words.count("random forest is better") == 1
    assert "+3.2 [+1.1, +5.3] chosen" in words
    assert "1 min 15 s" in words and report.references.notices[0] in words
    place = page.index(report.references.sentence)
    assert page.index(report.verdict.sentence) < place < page.index(report.verdict.figures)
    without = render_page(replace(report, references=None))
    assert 'aria-labelledby="references"' not in without


def test_the_page_says_what_is_done_with_every_column():
    page = render_page(sample_report())
    for words in ("one-hot, 3 categories", "left out", "it holds paths of files"):
        assert words in page
