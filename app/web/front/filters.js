// The filters of a list: one row each, made from the templates that the page carries.
import { enhance, whenever } from "./enhance.js";

function add(form, column, operator, value) {
  const template = form.querySelector(`template[data-column="${CSS.escape(column)}"]`);
  if (!template) return null;
  const row = template.content.firstElementChild.cloneNode(true);
  const choice = row.querySelector("[data-operator]");
  const field = row.querySelector(".filter-value :is(input:not([type=hidden]), select, textarea)");
  const name = () => { field.name = `_flt_${choice.value}_${column}`; };
  const index = [...choice.options].findIndex((option) => option.text === operator);
  if (index >= 0) choice.selectedIndex = index;
  field.removeAttribute("id");
  field.setAttribute("aria-label", row.querySelector(".filter-name").textContent.trim());
  if (value !== undefined) { if (field.type === "checkbox") field.checked = true; else field.value = value; }
  choice.addEventListener("change", name);
  name();
  form.querySelector("[data-rows]").append(row);
  enhance(row);
  form.querySelector("[data-apply]").hidden = false;
  return field;
}

whenever("form[data-filters]", (form) => {
  if (form.dataset.ready) return;
  form.dataset.ready = "1";
  for (const [column, operator, value] of JSON.parse(form.dataset.filters)) {
    for (const each of Array.isArray(value) ? value : [value]) add(form, column, operator, each);
  }
});

document.addEventListener("click", (event) => {
  const form = event.target.closest("form[data-filters]");
  if (!form) return;
  const wanted = event.target.closest("[data-add-filter]");
  if (wanted) { event.preventDefault(); (add(form, wanted.dataset.addFilter)?.tomselect ?? form.querySelector("[data-rows]").lastElementChild.querySelector(".filter-value input, .filter-value select"))?.focus(); }
  if (event.target.closest("[data-remove-filter]")) { event.target.closest(".filter-row").remove(); form.requestSubmit(); }
});

// empty fields would filter for nothing
document.addEventListener("formdata", (event) => {
  if (!event.target.matches("form[data-filters], form[data-drop-empty]")) return;
  for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
});
