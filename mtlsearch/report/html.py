"""Renders a report as one self-contained HTML page."""

from dataclasses import asdict
from functools import cache
from importlib.resources import files

import yaml
from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from mtlsearch.report import formatting, page_sections
from mtlsearch.report.ensembles import ensemble_section, in_the_verdict
from mtlsearch.report.greedy_ensemble import greedy_score
from mtlsearch.report.model import Report
from mtlsearch.report.next_steps import next_steps
from mtlsearch.report.plots import Plots
from mtlsearch.report.references import reference_rows
from mtlsearch.report.skill_chart import skill_charts
from mtlsearch.report.task_sections import FEWEST_SEARCHED, gaining_arm, task_sections

PAGE_TEMPLATE = "report.html.j2"
TASKS_TEMPLATE = "tasks.html.j2"
MACROS_TEMPLATE = "parts.html.j2"


def render_page(report: Report) -> str:
    """Return the HTML page of a report.

    The page needs no network; every string of the report is escaped. An unfinished report renders
    as far as it goes.
    """
    static = {
        "style": _static("style.css"),
        "script": _static("report.js"),
        "plots_script": _static("plots.js"),
        "plotly": _static("plotly-basic.min.js"),
    }
    plots = asdict(Plots.of(report)) if report.candidates else None
    template = _environment().get_template(PAGE_TEMPLATE)
    return template.render(
        report=report,
        static=static,
        plots=plots,
        recommended=page_sections.recommended_section(report),
        arms=page_sections.arm_rows(report),
        next_steps=next_steps(report),
        skill_charts=skill_charts(report),
        task_sections=task_sections(report),
        gaining_arm=gaining_arm(report),
        fewest_searched=FEWEST_SEARCHED,
        reference_gains=page_sections.reference_gain_rows(report),
        ensembles=ensemble_section(report),
        in_the_verdict=in_the_verdict(report),
        greedy_score=greedy_score,
        reference_rows=reference_rows(report),
        metric_rows=page_sections.metric_rows(report),
        affinity=page_sections.affinity_section(report),
        cards=page_sections.cards(report),
        ties=sum(candidate.tie for candidate in report.front),
        space=_spell_space(report),
        margin=report.study.settings.margin,
    )


@cache
def _environment() -> Environment:
    names = (PAGE_TEMPLATE, TASKS_TEMPLATE, MACROS_TEMPLATE)
    templates = {name: _read(name) for name in names}
    environment = Environment(
        loader=DictLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        count=formatting.count,
        duration=formatting.duration,
        gain=formatting.gain,
        interval=formatting.interval,
        minutes=formatting.minutes,
        number=formatting.number,
        point=formatting.point,
        with_error=formatting.with_error,
        fields=vars,
    )
    return environment


def _read(name: str) -> str:
    return (files("mtlsearch.report") / "templates" / name).read_text(encoding="utf-8")


@cache
def _static(name: str) -> Markup:
    return Markup(_read(name))


def _spell_space(report: Report) -> str:
    """The search space as the YAML that a user would write."""
    return str(yaml.safe_dump(dict(report.space), allow_unicode=True, sort_keys=False))
