"""Draws how a model errs: curves of a detected class, calibration, numbers and their residuals."""

from mtlsearch.report.formatting import count, number
from mtlsearch.report.model import ReportedDetection, ReportedDeviations
from mtlsearch.report.small_plot import MAIN, RULE, Axis, SmallPlot
from mtlsearch.report.svg import Style

CURVE: Style = {"stroke": MAIN, "stroke-width": "2"}
WHISKER: Style = {"stroke": MAIN, "stroke-width": "1.5", "stroke-opacity": "0.6"}
DOTS: Style = {"stroke": MAIN, "stroke-opacity": "0.45"}
BINS: Style = {"stroke": MAIN}
BARS: Style = {"fill": MAIN, "fill-opacity": "0.7"}


def detection_charts(detection: ReportedDetection) -> list[str]:
    """Draw the ROC curve, precision against recall, and the calibration, as SVG documents."""
    return [_roc(detection), _precision_recall(detection), _calibration(detection)]


def deviation_charts(deviations: ReportedDeviations) -> list[str]:
    """Draw predicted numbers against true ones, and the residuals, as SVG documents."""
    return [_scatter(deviations), _residuals(deviations)]


def _share(label: str) -> Axis:
    return Axis(label, 0.0, 1.0)


def _roc(detection: ReportedDetection) -> str:
    words = f"{detection.positives} of {detection.rows} test rows are {detection.name}"
    x = _share("false positive rate")
    y = _share("true positive rate")
    plot = SmallPlot(f"ROC: {detection.name}", words, x, y)
    plot.line([(0.0, 0.0), (1.0, 1.0)], RULE, "chance")
    plot.line(detection.roc, CURVE)
    return plot.to_text()


def _precision_recall(detection: ReportedDetection) -> str:
    share = detection.positives / detection.rows
    words = f"Chance has a precision of {share:.3f}"
    plot = SmallPlot(
        f"Precision and recall: {detection.name}", words, _share("recall"), _share("precision")
    )
    plot.line([(0.0, share), (1.0, share)], RULE, "chance")
    plot.line(detection.precision_recall, CURVE)
    return plot.to_text()


def _calibration(detection: ReportedDetection) -> str:
    words = []
    for entry in detection.calibration:
        words.append(f"{entry.predicted:.2f} predicted, {entry.observed:.2f} observed")
    x = _share("predicted")
    y = _share("observed share")
    plot = SmallPlot(f"Calibration: {detection.name}", "; ".join(words), x, y)
    plot.line([(0.0, 0.0), (1.0, 1.0)], RULE, "perfect calibration")
    for entry in detection.calibration:
        ends = [(entry.predicted, entry.low), (entry.predicted, entry.high)]
        plot.line(ends, WHISKER, f"{entry.observed:.0%} of {count(entry.rows)} rows")
    plot.dots([(entry.predicted, entry.observed) for entry in detection.calibration], 7.0, BINS)
    return plot.to_text()


def _scatter(deviations: ReportedDeviations) -> str:
    values = [value for point in deviations.points for value in point]
    x = Axis.around("true", values)
    y = Axis.around("predicted", values)
    drawn = len(deviations.points)
    title = "Predicted against true"
    if drawn < deviations.rows:
        title = f"{title}, {count(drawn)} of {count(deviations.rows)}"
    words = f"Median distance {number(deviations.median_size)}"
    plot = SmallPlot(title, words, x, y)
    plot.line([(x.low, x.low), (x.high, x.high)], RULE, "perfect predictions")
    plot.dots(deviations.points, 5.0, DOTS)
    return plot.to_text()


def _residuals(deviations: ReportedDeviations) -> str:
    edges = deviations.edges
    x = Axis("predicted − true", edges[0], edges[-1])
    y = Axis("rows", 0.0, float(max(deviations.counts)))
    words = f"Mean residual {number(deviations.mean)}"
    plot = SmallPlot("Residuals", words, x, y)
    for start, stop, rows in zip(edges, edges[1:], deviations.counts, strict=False):
        tooltip = f"{number(start)} to {number(stop)}: {count(rows)} rows"
        plot.bar(start, stop, float(rows), BARS, tooltip)
    if x.low < 0.0 < x.high:
        plot.line([(0.0, y.low), (0.0, y.high)], RULE, "no error")
    return plot.to_text()
