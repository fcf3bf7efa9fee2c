"""Where progress is shown: a live table on a terminal, one that is redrawn in a notebook.

In Jupyter and VS Code a display of IPython's is replaced, which needs no widgets.
"""

import io
import time
from collections.abc import Callable
from typing import Any, Protocol

from rich.console import Console, RenderableType
from rich.live import Live

REFRESHES_PER_SECOND = 4
NOTEBOOK_COLUMNS = 110
STYLE = "white-space: pre; overflow-x: auto; line-height: 1.3; font-family: monospace"
CELL = f'<pre style="{STYLE}">{{code}}</pre>'

Draw = Callable[[], RenderableType]


class Display(Protocol):
    """Shows what a function draws, again and again."""

    def start(self) -> None:
        """Begin."""
        ...

    def refresh(self) -> None:
        """Something has changed."""
        ...

    def stop(self) -> None:
        """End."""
        ...


class TerminalDisplay:
    """A live table, which is gone when it stops."""

    def __init__(self, console: Console, draw: Draw) -> None:
        self._live = Live(
            console=console,
            refresh_per_second=REFRESHES_PER_SECOND,
            get_renderable=draw,
            transient=True,
        )

    def start(self) -> None:
        """Begin; a thread redraws it."""
        self._live.start()

    def refresh(self) -> None:
        """Do nothing: it is redrawn anyhow."""

    def stop(self) -> None:
        """End; the cursor is back."""
        self._live.stop()


class NotebookDisplay:
    """The output of a cell, which is replaced; what was drawn last stays."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._handle: Any = None
        self._drawn = 0.0  # when

    def start(self) -> None:
        """Show it below the cell that runs."""
        from IPython.display import display

        self._handle = display(self._content(), raw=True, display_id=True)

    def refresh(self) -> None:
        """Redraw it, unless that was done just now."""
        if time.monotonic() - self._drawn > 1 / REFRESHES_PER_SECOND:
            self._update()

    def stop(self) -> None:
        """Draw it for the last time."""
        self._update()

    def _update(self) -> None:
        self._handle.update(self._content(), raw=True)
        self._drawn = time.monotonic()

    def _content(self) -> dict[str, str]:
        """What is drawn, as HTML and as text."""
        console = Console(
            file=io.StringIO(),
            record=True,
            width=NOTEBOOK_COLUMNS,
            force_jupyter=False,
            force_terminal=True,
        )
        console.print(self._draw())
        text = console.export_text(clear=False)
        page = console.export_html(inline_styles=True, code_format=CELL)
        return {"text/html": page, "text/plain": text}


def display_on(console: Console, draw: Draw) -> Display | None:
    """Return a display; None where nothing can be redrawn, as in a file."""
    if console.is_jupyter:
        return NotebookDisplay(draw)
    if console.is_terminal:
        return TerminalDisplay(console, draw)
    return None
