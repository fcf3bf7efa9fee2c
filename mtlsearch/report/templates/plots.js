"use strict";
(() => {
  const plots = JSON.parse(document.getElementById("plots").textContent);
  const config = { responsive: true, displayModeBar: false };
  const PAPER_WIDTH = 640; // pixels, of a page of A4 or letter
  const ids = ["pareto-plot", "history-plot"];

  const colors = () => {
    const style = getComputedStyle(document.documentElement);
    const [ink, line, card] = ["--ink", "--line", "--card"].map((name) => style.getPropertyValue(name).trim());
    const axis = (name) => ({ [`${name}.gridcolor`]: line, [`${name}.linecolor`]: line, [`${name}.tickcolor`]: line });
    const hover = { "hoverlabel.bgcolor": card, "hoverlabel.bordercolor": line, "hoverlabel.font.color": ink };
    return { "font.color": ink, "font.family": getComputedStyle(document.body).fontFamily, ...axis("xaxis"), ...axis("yaxis"), ...hover };
  };

  const draw = (id, figure) =>
    Plotly.newPlot(id, figure.data, figure.layout, config)
      .then(() => Plotly.relayout(id, colors()));

  const choose = (axis) => {
    const choice = plots.pareto.axes[document.getElementById(`pareto-${axis}`).value];
    const layout = { [`${axis}axis.title.text`]: choice.title, [`${axis}axis.autorange`]: true };
    return Plotly.update("pareto-plot", { [axis]: choice.values }, layout);
  };

  const drawn = [draw("pareto-plot", plots.pareto.figure), draw("history-plot", plots.history.figure)];
  Promise.all(drawn).then(() => {
    for (const axis of ["x", "y"]) {
      document.getElementById(`pareto-${axis}`).addEventListener("change", () => choose(axis));
      choose(axis); // a browser may restore an earlier choice on reload
    }
    const recolor = () => ids.forEach((id) => Plotly.relayout(id, colors()));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolor);
    const onPaper = (id) => Plotly.relayout(id, { width: PAPER_WIDTH, "font.color": "#1b2430" });
    addEventListener("beforeprint", () => ids.forEach(onPaper));
    addEventListener("afterprint", () => {
      ids.forEach((id) => Plotly.relayout(id, { width: null, autosize: true }));
      recolor();
    });
  });
})();
