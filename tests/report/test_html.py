"""The report page: documented input, escaped strings, readable before confirmation, drawn by a browser without overflow."""

import copy
import html
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import mtlsearch.report.html as page_module
from mtlsearch.report.html import duration, interval, number, percent, render_page, spell_settings
from tests.support.sample_report import sample_report, unfinished_report

SCHEMA = json.loads(
    Path(page_module.__file__).with_name("report.schema.json").read_text(encoding="utf-8")
)
HOSTILE = '</script><script>alert("x")</script><img src=x onerror=alert(1)>'
NOTE = "95% interval over training seeds and test rows"
CONVENTION = "mean relative gain over single-task, Maninis et al. 2019, higher is better"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
QUIET += [
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--virtual-time-budget=10000",
    "--dump-dom",
]

# Runs inside the page: changes an axis as a reader would, then reports what was drawn and how wide the page is.
PROBE = """<script>setTimeout(() => {
  const select = document.getElementById("pareto-x");
  select.selectedIndex = 2;
  select.dispatchEvent(new Event("change"));
  setTimeout(() => parent.postMessage({
    marks: document.querySelectorAll("#pareto-plot .points path").length,
    lines: document.querySelectorAll("#history-plot .scatterlayer .js-line").length,
    axis: document.querySelector("#pareto-plot .xtitle").textContent,
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  }, "*"), 1000);
}, 1500);</script></body>"""
FRAME = """<body><script>
addEventListener("message", (event) => { document.body.dataset.seen = JSON.stringify(event.data); });
</script>
<iframe src="report.html" style="width:{width}px;height:2000px;border:0"></iframe></body>"""


def _validate(report: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(report)


def _poison(value: Any) -> Any:
    """The report with hostile text appended to every free string that no other field refers to."""
    free = {
        "sentence",
        "reason",
        "digest",
        "folder",
        "platform",
        "tree",
        "metric",
        "kind",
        "sampler",
    }
    if isinstance(value, dict):
        return {
            key: f"{item}{HOSTILE}" if key in free and isinstance(item, str) else _poison(item)
            for key, item in value.items()
        }
    return [_poison(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("decision", ["share", "share some", "do not share", "cannot tell"])
def test_sample_follows_the_schema_and_states_its_decision(decision: str) -> None:
    report = sample_report(decision=decision)
    _validate(report)
    page = render_page(report)
    assert f"Verdict: {decision}" in page and f'aria-label="{decision}"' in page
    assert html.escape(report["verdict"]["sentence"]) in page
    assert NOTE in page and CONVENTION in " ".join(page.split())


def _fields(schema: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(schema, dict):
        yield from (
            schema.get("properties", {}).items()
            if isinstance(schema.get("properties"), dict)
            else ()
        )
        for value in schema.values():
            yield from _fields(value)


def test_schema_is_valid_and_describes_every_field() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert [name for name, field in _fields(SCHEMA) if "description" not in field] == []


def test_schema_refuses_unknown_fields() -> None:
    with pytest.raises(jsonschema.ValidationError):
        _validate({**sample_report(), "extra": 1})


def test_the_page_is_a_pure_function_and_needs_no_network() -> None:
    report = sample_report()
    before = copy.deepcopy(report)
    page = render_page(report)
    assert report == before and render_page(report) == page
    assert "default-src 'none'" in page
    own = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"""(src|href)=["']?https?:""", own)


def test_hostile_names_are_escaped_everywhere() -> None:
    names = [f"{HOSTILE}{number}" for number in range(3)]
    page = render_page(_poison(sample_report(names, sources=(HOSTILE,))))
    assert page.count("<script") == 3 and page.count("</script>") == 3
    assert "<img" not in re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert html.escape(names[0]) in page.replace("&#34;", "&quot;")


def test_plot_texts_hold_no_tags_of_the_user() -> None:
    page = render_page(sample_report(["<a href='https://example.org'>t</a>", "b"]))
    plots = re.search(r'<script type="application/json" id="plots">(.*?)</script>', page, re.DOTALL)
    assert plots is not None
    figure = json.loads(plots[1])["pareto"]["figure"]
    assert "<a" not in json.dumps(figure["data"]) + json.dumps(figure["layout"])


def test_an_unfinished_study_is_readable() -> None:
    report = unfinished_report()
    _validate(report)
    page = render_page(report)
    assert (
        "Not confirmed yet" in page
        and "No candidate was trained yet" in page
        and "not finished" in page
    )


def test_a_study_with_a_front_but_no_confirmation_draws_its_trees() -> None:
    report = {**sample_report(), "confirmed": [], "comparisons": [], "verdict": None}
    _validate(report)
    page = render_page(report)
    assert "Not confirmed yet" in page and "<article>" in page and "pareto-plot" in page


def test_missing_numbers_are_dashes() -> None:
    report = sample_report()
    empty = {"mean": None, "low": None, "high": None}
    for comparison in report["comparisons"]:
        comparison["gain"] = {"maninis": empty, "nash_mtl": empty}
        comparison["tasks"] = {
            task: {"difference": empty, "result": "tie"} for task in comparison["tasks"]
        }
    for model in report["confirmed"]:
        model["standard_error"] = dict.fromkeys(model["standard_error"])
    report["arms"][0]["best_gain"] = None
    _validate(report)
    assert "None" not in re.sub(
        r"<(script|style)[ >].*?</\1>", "", render_page(report), flags=re.DOTALL
    )


def _choices_of(page: str) -> str:
    """The words of the section on names, without tags."""
    section = page[page.index('<section aria-labelledby="choices">') :]
    return " ".join(re.sub(r"<[^>]*>", " ", section[: section.index("</section>")]).split())


def test_names_are_shown_with_what_was_used_what_was_idle_and_what_is_sure() -> None:
    report = sample_report()
    none, pull, gate = report["choices"][0]["names"]
    none |= {"gain": {"mean": 2.0, "low": 0.5, "high": 3.5}, "picked": True}
    pull |= {
        "trainings": {"used": 7, "idle": 4},
        "failed": 2,
        "front": {"used": 1, "idle": 3},
        "picked": False,
    }
    pull |= {"gain": {"mean": -2.0, "low": -3.5, "high": -0.5}}
    _validate(report)
    words = _choices_of(render_page(report))
    assert (
        "none 12 0 yes +2.0 [+0.5, +3.5] % ▲ pull 7 + 4 idle 2 failed 1 + 3 idle – −2.0 [−3.5, −0.5] % ▼"
        in words
    )
    assert "never tried: gate" in words and words.index("Arm searched") < words.index("Arm random")
    gate |= {"trainings": {"used": 0, "idle": 2}}
    assert "never tried" not in _choices_of(
        render_page({**report, "choices": report["choices"][:1]})
    )


def test_where_nothing_varies_by_name_or_was_tried_there_is_no_section_on_names() -> None:
    report = sample_report()
    assert 'aria-labelledby="choices"' not in render_page({**report, "choices": []})
    report["choices"][0]["trainings"] = 0  # an arm that has not begun
    assert _choices_of(render_page(report)).index("weighting") < _choices_of(
        render_page(report)
    ).index("sharing")
    untouched = [{**each, "trainings": 0} for each in report["choices"]]
    assert 'aria-labelledby="choices"' not in render_page({**report, "choices": untouched})


def test_at_most_twelve_trees_are_drawn_and_the_rest_is_counted() -> None:
    report = sample_report()
    report["front"] = (report["front"] * 5)[:30]
    page = render_page(report)
    assert page.count("<article>") == 12 and "18 more" in page


def test_single_task_recommended_still_shows_the_best_sharing_model() -> None:
    page = render_page(sample_report(decision="do not share"))
    assert "The best sharing model, arm <strong>searched</strong>" in page


def test_numbers_have_the_digits_their_error_supports() -> None:
    assert number(0.912345, 0.0042) == "0.9123"
    assert number(12345.6, 250.0) == "12,346"
    assert number(0.0) == "0" and number(None) == "–" and number(float("nan")) == "–"
    assert interval({"mean": 1.25, "low": -0.5, "high": 3.0}, " %") == "+1.2 [−0.5, +3.0] %"
    assert interval({"mean": 1.25, "low": None, "high": None}) == "+1.25"
    assert percent(-3.21) == "−3.2\u202f%"
    assert [duration(s) for s in (4.26, 41, 754.2, 12_000)] == [
        "4.3 s",
        "41 s",
        "12 min 34 s",
        "3 h 20 min",
    ]


def test_settings_are_spelled_in_words() -> None:
    settings = {
        "tree": [[[0]]],
        "backbone": {"name": "mlp", "width": 64},
        "sharing": {"name": "none"},
        "loss": 0.12345,
    }
    assert spell_settings(settings) == "backbone mlp, width 64 · sharing none · loss 0.123"
    assert (
        spell_settings({"sharing": {"name": "pull", "first_level": 2, "last_level": None}})
        == "sharing pull, first_level 2"
    )


@pytest.mark.slow
@pytest.mark.parametrize(("width", "tasks"), [(375, 3), (375, 20), (1200, 3)])
def test_a_browser_draws_the_plots_without_horizontal_overflow(
    tmp_path: Path, width: int, tasks: int
) -> None:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert browser is not None, f"this test needs one of {', '.join(BROWSERS)}"
    report = sample_report([f"task {i} " + "x" * 60 for i in range(tasks)] if tasks > 3 else None)
    page = render_page(report)
    (tmp_path / "report.html").write_text(PROBE.join(page.rsplit("</body>", 1)), encoding="utf-8")
    (tmp_path / "frame.html").write_text(FRAME.replace("{width}", str(width)), encoding="utf-8")
    url = (tmp_path / "frame.html").as_uri()
    command = [
        browser,
        *QUIET,
        f"--user-data-dir={tmp_path / 'profile'}",
        "--window-size=1300,2100",
        url,
    ]
    dumped = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    found = re.search(r'data-seen="([^"]*)"', dumped)
    assert found is not None, "the page reported nothing"
    seen = json.loads(html.unescape(found[1]))
    assert seen["marks"] == len(report["points"]) + sum(
        point["front"] for point in report["points"]
    )
    assert seen["lines"] == len(report["arms"]) and seen["overflow"] == 0
    assert seen["axis"].startswith(report["tasks"][2]["name"][:10])
