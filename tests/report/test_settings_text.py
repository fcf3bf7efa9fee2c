"""Settings are spelled in words."""

from mtlsearch.report.settings_text import spell_settings


def test_groups_are_spelled_with_the_name_first() -> None:
    settings = {
        "backbone": {"width": 64, "name": "mlp"},
        "sharing": {"name": "none"},
        "optimizer": {"learning_rate": 0.12345},
    }
    expected = "backbone mlp, width 64 · sharing none · optimizer learning_rate 0.123"
    assert spell_settings(settings) == expected


def test_fields_without_a_value_are_left_out() -> None:
    settings = {"sharing": {"name": "gate", "first_level": 2, "last_level": None}}
    assert spell_settings(settings) == "sharing gate, first_level 2"


def test_several_values_are_listed() -> None:
    settings = {"weighting": {"name": "fixed", "weights": (0.5, 2.0)}}
    assert spell_settings(settings) == "weighting fixed, weights [0.5, 2]"
