"""A component's settings in one line of words."""

from collections.abc import Mapping

Fields = Mapping[str, object]


def spell_settings(settings: Mapping[str, Fields]) -> str:
    """Spell all setting groups.

    >>> spell_settings({"backbone": {"name": "mlp", "width": 64}, "sharing": {"name": "none"}})
    'backbone mlp, width 64 · sharing none'
    """
    groups = []
    for group, fields in settings.items():
        words = f"{group} {_spell_fields(fields)}"
        groups.append(words.rstrip())
    return " · ".join(groups)


def _spell_fields(fields: Fields) -> str:
    """The name first, then every field that has a value."""
    words = []
    if "name" in fields:
        name = fields["name"]
        words.append(str(name))
    for key, value in fields.items():
        if key == "name" or value is None:
            continue
        words.append(f"{key} {_spell_value(value)}")
    return ", ".join(words)


def _spell_value(value: object) -> str:
    if isinstance(value, list | tuple):
        values = [_spell_value(entry) for entry in value]
        return f"[{', '.join(values)}]"
    if isinstance(value, float):
        return f"{value:.3g}"
    return str(value)
