"use strict";
(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const tasks = all("details.task");

  const box = document.getElementById("find-task");
  if (box) {
    const said = document.getElementById("found-tasks");
    const find = () => {
      const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const task of tasks) {
        const text = task.dataset.words.toLowerCase();
        task.hidden = !words.every((word) => text.includes(word));
        shown += task.hidden ? 0 : 1;
      }
      said.textContent = words.length ? `${shown} of ${tasks.length} tasks` : `${tasks.length} tasks`;
    };
    box.addEventListener("input", find);
    find(); // a browser may restore an earlier search on reload
    const unfold = (open) => () => tasks.filter((task) => !task.hidden).forEach((task) => { task.open = open; });
    document.getElementById("open-tasks").addEventListener("click", unfold(true));
    document.getElementById("close-tasks").addEventListener("click", unfold(false));
  }

  // Paper cannot be unfolded.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = all("details:not([open])");
    for (const part of folded) part.open = true;
  });
  addEventListener("afterprint", () => {
    for (const part of folded) part.open = false;
  });
})();
