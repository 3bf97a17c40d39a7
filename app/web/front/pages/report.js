// How fast a campaign goes and how long it will take, from the numbers that the page got in the last minute.
const samples = [];
const KEPT_MS = 60_000;
const LEAST_MS = 6_000;

function span(seconds) {
  const language = document.documentElement.lang || "en";
  const [unit, size] = seconds >= 5400 ? ["hour", 3600] : seconds >= 90 ? ["minute", 60] : ["second", 1];
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long", maximumFractionDigits: 0 }).format(Math.max(1, seconds / size));
}

function refresh() {
  const live = document.getElementById("report-live");
  const pace = document.getElementById("pace");
  if (!live || !pace) return;
  if (!("sending" in live.dataset)) { samples.length = 0; pace.textContent = ""; return; }
  const now = performance.now();
  const sent = Number(live.dataset.sent);
  samples.push([now, sent]);
  while (now - samples[0][0] > KEPT_MS) samples.shift();
  const [since, first] = samples[0];
  const rate = (sent - first) / (now - since);
  if (now - since < LEAST_MS || rate <= 0) { pace.textContent = ""; return; }
  const left = (Number(live.dataset.total) - sent) / rate / 1000;
  const number = new Intl.NumberFormat(document.documentElement.lang || "en").format(Math.round(rate * 60_000));
  pace.textContent = pace.dataset.words.replace("{rate}", number).replace("{left}", span(left));
}

document.addEventListener("htmx:afterSettle", refresh);
document.addEventListener("DOMContentLoaded", refresh);

// an internal status that was not saved is not shown as if it were
document.addEventListener("htmx:responseError", (event) => {
  const select = event.target.closest(".label-select");
  if (!select) return;
  select.value = ([...select.options].find((option) => option.defaultSelected) ?? select.options[0]).value;
  document.getElementById("label-problem").hidden = false;
});

// a file that can be followed is asked for by the part of the page that follows it
document.addEventListener("htmx:afterSwap", () => {
  const link = document.querySelector("#export [data-download]");
  if (!link) return;
  link.click();
  link.remove();
});

// what draws the charts is half as large as everything else: it is fetched by those who open them
document.addEventListener("toggle", ({ target }) => {
  if (target.id !== "charts" || document.querySelector(`script[src="${target.dataset.script}"]`)) return;
  const script = document.createElement("script");
  script.src = target.dataset.script;
  document.head.append(script);
}, true);
