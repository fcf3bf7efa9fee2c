"""The documented schema is that of the dataclasses; report.json follows it and can be read back."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from mtlsearch.report.model import SCHEMA_VERSION, Report, ReportedInterval
from mtlsearch.report.schema import SCHEMA_FILE, report_from_json, report_to_json, schema_text
from tests.support.sample_report import sample_report, unfinished_report

SCHEMA = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
REPORTS = {
    "share": sample_report(),
    "share some": sample_report(decision="share some"),
    "do not share": sample_report(decision="do not share"),
    "equal": sample_report(decision="equal"),
    "cannot tell": sample_report(decision="cannot tell"),
    "many tasks": sample_report([f"task {number}" for number in range(20)], levels=8),
    "unfinished": unfinished_report(),
    "not confirmed": replace(sample_report(), confirmed=(), comparisons=(), verdict=None),
}


def validate(text: str) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(text))


def properties(schema: Any) -> Iterator[tuple[str, Any]]:
    """Every field that a schema describes, with its own schema."""
    if isinstance(schema, list):
        for entry in schema:
            yield from properties(entry)
    if isinstance(schema, dict):
        yield from schema.get("properties", {}).items()
        for entry in schema.values():
            yield from properties(entry)


def objects(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The schemas of the dataclasses."""
    yield schema
    yield from schema["$defs"].values()


def test_the_stored_schema_is_that_of_the_dataclasses() -> None:
    assert json.loads(schema_text()) == SCHEMA, "run: python -m mtlsearch.report.schema"


def test_the_schema_is_valid_and_describes_every_field() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    fields = list(properties(SCHEMA))
    assert len(fields) > 100
    assert [name for name, field in fields if "description" not in field] == []
    assert all("\n" not in field["description"] for _, field in fields)


def test_every_object_is_described_requires_its_fields_and_refuses_others() -> None:
    for schema in objects(SCHEMA):
        assert schema["description"]
        assert schema["additionalProperties"] is False
        assert schema["required"] == list(schema["properties"])


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_follows_the_schema_and_is_read_back_as_it_was(name: str) -> None:
    text = report_to_json(REPORTS[name])
    validate(text)
    assert report_from_json(text) == REPORTS[name]


def test_an_unknown_field_is_refused() -> None:
    value = json.loads(report_to_json(sample_report()))
    text = json.dumps({**value, "extra": 1})
    with pytest.raises(jsonschema.ValidationError):
        validate(text)
    with pytest.raises(ValidationError):
        report_from_json(text)


def test_the_version_is_9() -> None:
    assert SCHEMA_VERSION == 9
    assert SCHEMA["properties"]["schema_version"]["const"] == 9


def test_a_number_that_is_not_finite_is_refused() -> None:
    report = sample_report()
    model = report.confirmed[0]
    broken = replace(model, validation_gain=float("nan"))
    with pytest.raises(ValueError, match="not JSON compliant"):
        report_to_json(replace(report, confirmed=(broken,)))


def test_settings_of_any_plugin_can_be_written() -> None:
    report = sample_report()
    candidate = report.candidates[0]
    settings = {"backbone": {"name": "my_module.Stage", "sizes": (1, 2), "deep": {"x": None}}}
    component = replace(candidate.composition[0], settings=settings)
    written = replace(report, candidates=(replace(candidate, composition=(component,)),))
    value = json.loads(report_to_json(written))
    [part] = value["candidates"][0]["composition"]
    assert part["settings"]["backbone"]["sizes"] == [1, 2]


def test_a_flipped_interval_is_that_of_the_negated_mean() -> None:
    assert ReportedInterval(1.0, -2.0, 4.0).flipped == ReportedInterval(-1.0, -4.0, 2.0)
    assert ReportedInterval(1.0, None, None).flipped == ReportedInterval(-1.0, None, None)


@pytest.mark.parametrize(
    ("interval", "positive", "negative"),
    [
        (ReportedInterval(2.0, 0.5, 3.5), True, False),
        (ReportedInterval(-2.0, -3.5, -0.5), False, True),
        (ReportedInterval(1.0, -0.5, 2.5), False, False),
        (ReportedInterval(1.0, None, None), False, False),
    ],
)
def test_an_interval_is_positive_or_negative_only_as_a_whole(
    interval: ReportedInterval, positive: bool, negative: bool
) -> None:
    assert (interval.is_positive, interval.is_negative) == (positive, negative)


def test_a_report_finds_what_belongs_to_an_arm() -> None:
    report: Report = sample_report()
    model = report.model_of("searched")
    comparison = report.comparison_of("searched")
    assert model is not None and model.arm == "searched"
    assert comparison is not None and comparison.arm == "searched"
    assert report.baseline == "single_task"
    assert report.comparison_of("single_task") is None
    assert report.model_of("unknown") is None and report.model_of(None) is None
    assert report.recommended_model == model
    assert {candidate.on_front for candidate in report.front} == {True}


def test_an_unfinished_report_recommends_nothing() -> None:
    assert unfinished_report().recommended_model is None
    no_baseline = replace(sample_report(), arms=sample_report().arms[:1])
    assert no_baseline.baseline is None
