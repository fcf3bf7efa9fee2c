"use strict";
(() => {
  const plots = JSON.parse(document.getElementById("plots").textContent);
  const config = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };
  const narrow = () => window.innerWidth < 600;

  const colors = () => {
    const style = getComputedStyle(document.documentElement);
    const [ink, line, card, soft] = ["--ink", "--line", "--card", "--soft"].map((name) => style.getPropertyValue(name).trim());
    const axis = (name) => ({ [`${name}.gridcolor`]: line, [`${name}.linecolor`]: line, [`${name}.tickcolor`]: line });
    const hover = { "hoverlabel.bgcolor": card, "hoverlabel.bordercolor": line, "hoverlabel.font.color": ink };
    const bar = { "modebar.bgcolor": "rgba(0,0,0,0)", "modebar.color": soft, "modebar.activecolor": ink };
    return { ...bar, "font.color": ink, "font.family": getComputedStyle(document.body).fontFamily, ...axis("xaxis"), ...axis("yaxis"), ...hover };
  };

  const draw = (id, figure) =>
    Plotly.newPlot(id, figure.data, figure.layout, { ...config, displayModeBar: narrow() ? false : "hover" })
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
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      for (const id of ["pareto-plot", "history-plot"]) Plotly.relayout(id, colors());
    });
  });
})();
