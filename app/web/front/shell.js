// The frame: Bootstrap's behaviours, dark and light, messages that go away by themselves.
import { Offcanvas, Toast } from "@tabler/core/dist/js/tabler.esm.js";
import { whenever } from "./enhance.js";

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-theme-toggle]")) return;
  const next = document.documentElement.dataset.bsTheme === "dark" ? "light" : "dark";
  document.documentElement.dataset.bsTheme = next;
  localStorage.setItem("theme", next);
});

whenever(".toast", (element) => Toast.getOrCreateInstance(element).show());

// Bootstrap hears Escape once the menu of a phone has the focus, which it gets at the end of its way in
document.addEventListener("keydown", (event) => {
  const coming = event.key === "Escape" && document.querySelector("#rail.showing");
  if (coming) coming.addEventListener("shown.bs.offcanvas", () => Offcanvas.getInstance(coming).hide(), { once: true });
});

/** "/" goes to the search of the page, unless somebody is writing. */
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.closest("input, textarea, select, [contenteditable], [role=combobox], .modal")) return;
  const search = document.querySelector("[data-page-search]");
  if (search) { event.preventDefault(); search.focus(); }
});
