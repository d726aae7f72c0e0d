"use strict";
// Runs before the first paint: a reader who chose no theme gets the system's.
(() => {
  const root = document.documentElement;
  if (root.dataset.themeChoice === "system" && matchMedia("(prefers-color-scheme: dark)").matches) {
    root.dataset.bsTheme = "dark";
  }
  root.classList.add("js");
})();
