"""Writes reports as JSON, and the JSON schema of the report's dataclasses.

`python -m mtlsearch.report.schema` writes `report.schema.json` anew.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from mtlsearch.report.model import Report

SCHEMA_FILE = Path(__file__).with_name("report.schema.json")


@cache
def report_adapter() -> TypeAdapter[Report]:
    """What validates, writes and describes reports."""
    return TypeAdapter(Report)


def report_to_json(report: Report) -> str:
    """The report as JSON text.

    Raises ValueError for a number that is not finite, which JSON cannot hold.
    """
    values = report_adapter().dump_python(report, mode="json")
    return json.dumps(values, indent=1, allow_nan=False)


def report_from_json(text: str) -> Report:
    """Inverse of `report_to_json`.

    Raises pydantic's ValidationError for text that does not follow the schema.
    """
    return report_adapter().validate_json(text)


def schema_text() -> str:
    """The JSON schema of reports as it stands in `report.schema.json`."""
    schema: dict[str, Any] = {
        "$schema": GenerateJsonSchema.schema_dialect,
        **report_adapter().json_schema(),
        "title": "mtlsearch report",
    }
    text = json.dumps(_join_lines(schema), indent=2)
    return f"{text}\n"


def _join_lines(schema: Any) -> Any:
    """Bring every description onto one line, however its docstring is wrapped."""
    if isinstance(schema, list):
        return [_join_lines(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    joined = {key: _join_lines(value) for key, value in schema.items()}
    description = joined.get("description")
    if isinstance(description, str):
        words = description.split()
        joined["description"] = " ".join(words)
    return joined


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
