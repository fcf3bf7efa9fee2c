"""Where progress is shown: nowhere that cannot be redrawn, and in notebooks as HTML."""

import io

from rich.console import Console
from rich.table import Table

from mtlsearch.search.display import NotebookDisplay, TerminalDisplay, display_on


def _draw() -> Table:
    table = Table("arm", "done", box=None)
    table.add_row("<searched>", "[green]3/4[/green]")
    return table


def test_a_display_is_chosen_by_where_the_output_goes() -> None:
    file = Console(file=io.StringIO(), force_jupyter=False)
    terminal = Console(file=io.StringIO(), force_terminal=True, force_jupyter=False)
    notebook = Console(file=io.StringIO(), force_jupyter=True)
    assert display_on(file, _draw) is None
    assert isinstance(display_on(terminal, _draw), TerminalDisplay)
    assert isinstance(display_on(notebook, _draw), NotebookDisplay)


def test_a_notebook_is_shown_what_is_drawn_as_html_and_as_text() -> None:
    content = NotebookDisplay(_draw)._content()
    assert "&lt;searched&gt;" in content["text/html"]
    assert 'style="color' in content["text/html"]
    assert "<searched>" in content["text/plain"]
    assert "\x1b" not in content["text/plain"]


class Handle:
    """Counts how often a display is replaced."""

    def __init__(self) -> None:
        self.updates = 0

    def update(self, content: dict[str, str], raw: bool) -> None:
        assert raw
        assert content.keys() == {"text/html", "text/plain"}
        self.updates += 1


def test_a_notebook_is_not_flooded_and_sees_the_end() -> None:
    display = NotebookDisplay(_draw)
    display._handle = Handle()
    for _ in range(20):
        display.refresh()
    assert display._handle.updates <= 2
    display.stop()
    assert display._handle.updates <= 3
    assert display._drawn > 0
