"use strict";
// The console works without this file; it only makes it quicker: keys, dialogs, copying, the chart, the reader's zone.
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const YEAR_S = 31536000;

  function keepCookie(name, value) {
    document.cookie = `${name}=${encodeURIComponent(value)}; path=/; max-age=${YEAR_S}; samesite=strict`;
  }

  function announce(text) {
    $("#announce").textContent = text;
  }

  // --- the reader's own time zone, once ---------------------------------------------------------------------------
  function adoptZone() {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (!zone || document.body.dataset.zoneChosen === "yes") return;
    keepCookie("entrepot_zone", zone);
    const kept = document.cookie.includes("entrepot_zone=");
    if (kept && zone !== document.body.dataset.zone) location.reload();
  }

  // --- theme ------------------------------------------------------------------------------------------------------
  function toggleTheme(event) {
    event.preventDefault();
    const root = document.documentElement;
    const theme = root.dataset.bsTheme === "dark" ? "light" : "dark";
    root.dataset.bsTheme = theme;
    keepCookie("entrepot_theme", theme);
    event.currentTarget.value = theme === "dark" ? "light" : "dark";
    drawCharts();
  }

  // --- lists: one current row, moved by keys ----------------------------------------------------------------------
  let currentId = null;

  const rows = () => $$("[data-rows] tbody tr[data-row]");

  function setCurrent(row) {
    for (const other of rows()) other.classList.toggle("is-current", other === row);
    currentId = row ? row.dataset.row : null;
    if (!row) return;
    $("[data-open]", row)?.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }

  function move(step) {
    const all = rows();
    if (!all.length) return;
    const at = all.findIndex((row) => row.dataset.row === currentId);
    const start = at < 0 ? (step > 0 ? -1 : all.length) : at;
    setCurrent(all[Math.max(0, Math.min(all.length - 1, start + step))]);
  }

  function currentRow() {
    return rows().find((row) => row.dataset.row === currentId);
  }

  function markRows() {
    const open = new URLSearchParams(location.search).get("open");
    for (const row of rows()) {
      row.classList.toggle("is-current", row.dataset.row === currentId);
      if (open !== null) row.classList.toggle("is-open", row.dataset.row === open);
    }
  }

  // --- keys -------------------------------------------------------------------------------------------------------
  const VERBS = { r: "retry", e: "repair", s: "suppress", u: "escalate" };
  const PLACES = { t: "/", c: "/cases", q: "/questions", o: "/orders", s: "/settlement", f: "/flows", n: "/measures", w: "/ownership", m: "/map", r: "/runbooks", i: "/identifiers", k: "/risks", p: "/offers", l: "/feeds", e: "/corrections" };
  let goingSince = -Infinity;

  function pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if ($("dialog[open]")) return;
    const going = event.timeStamp - goingSince < 1000;
    goingSince = -Infinity;
    if (going && PLACES[event.key]) {
      event.preventDefault();
      location.assign(PLACES[event.key]);
      return;
    }
    const handler = KEYS[event.key];
    if (handler) {
      event.preventDefault();
      handler(event);
    } else if (VERBS[event.key]) {
      const link = $(`[data-verb="${VERBS[event.key]}"]`);
      if (link) {
        event.preventDefault();
        link.click();
      } else {
        announce("Open a case first.");
      }
    }
  }

  const KEYS = {
    "/": () => { $("#q").focus(); $("#q").select(); },
    "?": () => $("#help").showModal(),
    g: (event) => { goingSince = event.timeStamp; },
    j: () => move(1),
    k: () => move(-1),
    x: () => $("input[type=checkbox]", currentRow() ?? document.createElement("i"))?.click(),
    o: () => $("[data-open]", currentRow() ?? document.createElement("i"))?.click(),
  };

  // --- copying ----------------------------------------------------------------------------------------------------
  async function copy(button) {
    const source = $(button.dataset.copy);
    const label = $("span", button);
    const before = label.dataset.before ?? label.textContent;
    label.dataset.before = before;
    try {
      await navigator.clipboard.writeText(source.textContent);
      label.textContent = "Copied";
    } catch {
      source.hidden = false; // no permission: show it, so that it can be marked and copied by hand
      getSelection().selectAllChildren(source);
      label.textContent = "Marked: copy by hand";
    }
    announce(label.textContent);
    setTimeout(() => { label.textContent = before; }, 2000);
  }

  // --- runbook ticks, kept for this browser session ----------------------------------------------------------------
  function restoreTicks() {
    for (const list of $$("[data-checklist]")) {
      const done = new Set((sessionStorage.getItem(`runbook:${list.dataset.checklist}`) ?? "").split(","));
      for (const box of $$("[data-step]", list)) box.checked = done.has(box.dataset.step);
    }
  }

  function keepTicks(list) {
    const done = $$("[data-step]:checked", list).map((box) => box.dataset.step);
    sessionStorage.setItem(`runbook:${list.dataset.checklist}`, done.join(","));
  }

  // --- the waterfall ----------------------------------------------------------------------------------------------
  // A floating bar is an invisible foot and a visible body; one that crosses zero has a body on each side of it.
  function floating(steps, side) {
    const foot = [], above = [], below = [];
    let level = 0;
    for (const step of steps) {
      const amount = step[side];
      const from = step.total ? 0 : level;
      const to = amount === null ? from : step.total ? amount : level + amount;
      if (amount !== null) level = to;
      const low = Math.min(from, to), high = Math.max(from, to);
      foot.push(amount === null || (low < 0 && high > 0) ? 0 : low >= 0 ? low : high);
      above.push(amount === null ? 0 : low >= 0 ? high - low : Math.max(high, 0));
      below.push(amount === null ? 0 : high <= 0 ? low - high : Math.min(low, 0));
    }
    return { foot, above, below };
  }

  function drawCharts() {
    for (const box of $$("[data-waterfall]")) {
      if (typeof echarts === "undefined") return;
      const data = JSON.parse(box.dataset.waterfall);
      const css = getComputedStyle(document.documentElement);
      const colour = (name) => css.getPropertyValue(name).trim();
      const scale = 10 ** data.digits;
      const number = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
      const axisText = (minor) => number.format(minor / scale).replaceAll(",", "\u202f");
      const series = [];
      for (const [side, name, fill] of [["theirs", "Their statement", colour("--theirs")], ["ours", "Our books", colour("--ours")]]) {
        const { foot, above, below } = floating(data.steps, side);
        const part = (values, style, label) => ({ type: "bar", stack: side, name, data: values, itemStyle: style, silent: style.color === "transparent", barGap: "12%", barMaxWidth: 46, label, animation: false, emphasis: { disabled: true } });
        series.push(part(foot, { color: "transparent" }));
        series.push(part(above, { color: fill, borderRadius: 3 }));
        series.push(part(below, { color: fill, borderRadius: 3 }));
      }
      const chart = echarts.getInstanceByDom(box) ?? echarts.init(box, null, { renderer: "canvas" });
      chart.setOption({
        textStyle: { fontFamily: "Inter Variable, system-ui, sans-serif" },
        grid: { left: 12, right: 12, top: 24, bottom: 8, containLabel: true },
        xAxis: { type: "category", data: data.steps.map((step) => step.word), axisLabel: { color: colour("--ink-2"), interval: 0, width: 92, overflow: "break", lineHeight: 15 }, axisLine: { lineStyle: { color: colour("--line-strong") } }, axisTick: { show: false } },
        yAxis: { type: "value", name: data.currency, nameTextStyle: { color: colour("--ink-2"), align: "right" }, axisLabel: { color: colour("--ink-2"), formatter: axisText }, splitLine: { lineStyle: { color: colour("--line") } } },
        tooltip: {
          trigger: "axis", renderMode: "richText", backgroundColor: colour("--surface"), borderColor: colour("--line-strong"), textStyle: { color: colour("--ink") }, axisPointer: { type: "shadow", shadowStyle: { color: "rgba(125, 140, 170, 0.12)" } },
          formatter: (items) => { const step = data.steps[items[0].dataIndex]; return `${step.word}\nTheir statement  ${step.theirsText}\nOur books  ${step.oursText}`; },
        },
        series,
      }, true);
    }
  }

  // --- dialogs ----------------------------------------------------------------------------------------------------
  function afterSwap() {
    const dialog = $("#dialog");
    if ($("#dialog-body")?.children.length && !dialog.open) {
      dialog.showModal();
      $("textarea, select, button", dialog)?.focus();
    }
    restoreTicks();
    markRows();
  }

  function beforeRequest(event) {
    const ctx = event.detail?.ctx;
    const polled = ctx?.sourceEvent?.type === "every" || event.target.getAttribute?.("hx-trigger")?.startsWith("every");
    if (polled && (document.hidden || $("dialog[open]") || busyInside(event.target))) event.preventDefault();
  }

  // A poll must not take text away from under somebody's hands.
  function busyInside(region) {
    return region.contains(document.activeElement) && document.activeElement.matches("textarea, input:not([type=checkbox]), select")
      || (getSelection().toString() !== "" && region.contains(getSelection().anchorNode));
  }

  document.addEventListener("keydown", pressed);
  document.addEventListener("htmx:before:request", beforeRequest);
  document.addEventListener("htmx:after:swap", afterSwap);
  document.addEventListener("htmx:after:history:push", markRows);
  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-copy], [data-help], [data-theme-toggle], [data-close]");
    const menu = $(".menu[open]");
    if (menu && !menu.contains(event.target)) menu.open = false;
    if (!target) return;
    if (target.matches("[data-copy]")) copy(target);
    if (target.matches("[data-help]")) $("#help").showModal();
    if (target.matches("[data-close]") && target.closest("dialog")) {
      event.preventDefault();
      target.closest("dialog").close();
    }
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
    const list = event.target.closest?.("[data-checklist]");
    if (list) keepTicks(list);
  });
  $("#dialog").addEventListener("close", () => $("#dialog-body").replaceChildren());
  $("[data-theme-toggle]").addEventListener("click", toggleTheme);
  addEventListener("resize", () => $$("[data-waterfall]").forEach((box) => window.echarts?.getInstanceByDom(box)?.resize()));
  adoptZone();
  restoreTicks();
  markRows();
  drawCharts();
})();
