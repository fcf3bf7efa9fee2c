"""What a verdict looks like as the output of a notebook's cell."""

from html import escape
from typing import TYPE_CHECKING

from mtlsearch.report.formatting import minutes

if TYPE_CHECKING:
    from mtlsearch.report.model import ReportedVerdict


def verdict_html(verdict: "ReportedVerdict") -> str:
    """The answer, the model to use, what would make it surer, caveats and figures, as HTML."""
    lines = [
        f"<p><strong>{escape(verdict.sentence)}</strong></p>",
        f"<p>Use <code>{escape(verdict.recommended)}</code>. {escape(verdict.why)}</p>",
    ]
    for advice in verdict.advice:
        lines.append(
            f"<p>To be surer ({minutes(advice.minutes)}), since {escape(advice.why)}:<br>"
            f"<code>{escape(advice.command)}</code></p>"
        )
    small = [*verdict.caveats, verdict.figures]
    if verdict.remark:
        small.append(verdict.remark)
    lines += [f"<p><small>{escape(words)}</small></p>" for words in small]
    return "\n".join(lines)
