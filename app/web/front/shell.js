// The frame: Bootstrap's behaviours, dark and light, messages that go away by themselves.
import { Toast } from "@tabler/core/dist/js/tabler.esm.js";
import { whenever } from "./enhance.js";

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-theme-toggle]")) return;
  const next = document.documentElement.dataset.bsTheme === "dark" ? "light" : "dark";
  document.documentElement.dataset.bsTheme = next;
  localStorage.setItem("theme", next);
});

whenever(".toast", (element) => Toast.getOrCreateInstance(element).show());

/** "/" goes to the search of the page, unless somebody is writing. */
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.closest("input, textarea, select, [contenteditable], [role=combobox], .modal")) return;
  const search = document.querySelector("[data-page-search]");
  if (search) { event.preventDefault(); search.focus(); }
});
