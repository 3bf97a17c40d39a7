// The groups of active campaigns: which ones are open is remembered in this browser, and after an action its group is
// read again.
const KEY = "open-groups";
const all = () => [...document.querySelectorAll("details[data-group]")];

function remembered() {
  try { return new Set(JSON.parse(localStorage.getItem(KEY))); } catch { return new Set(); }
}

function remember() {
  localStorage.setItem(KEY, JSON.stringify(all().filter((each) => each.open).map((each) => each.dataset.group)));
}

document.addEventListener("DOMContentLoaded", () => {
  const open = remembered();
  for (const each of all()) {
    if (open.has(each.dataset.group)) each.open = true;
    each.addEventListener("toggle", remember);
  }
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-expand], [data-collapse]");
  if (button) for (const each of all()) each.open = "expand" in button.dataset;
});

// the forms of all groups: a duplicate may stand in another one than the eye expects, a deleted one in none
document.addEventListener("htmx:afterRequest", (event) => {
  if (!event.target.matches?.("[data-refresh] form")) return;
  for (const body of document.querySelectorAll("details[open] [data-refresh]")) {
    window.htmx.ajax("GET", body.dataset.refresh, { target: body, swap: "outerHTML" });
  }
});
