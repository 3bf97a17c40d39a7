// Small parts that the editor is made of.
import { writeField } from "./html.js";

/** An element: h("button", { type: "button", class: "btn" }, "words", child). */
export function h(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

let made = 0;

/** Tabs over panes: [{ key, words, pane }]. show(key) opens one; open(key) is told before, and may refuse by false. */
export function tabs(label, entries, open) {
  const buttons = new Map();
  const list = h("div", { class: "editor-tabs", role: "tablist", "aria-label": label });
  const show = (key, focus = false) => {
    for (const entry of entries) {
      const isOpen = entry.key === key;
      buttons.get(entry.key).setAttribute("aria-selected", String(isOpen));
      buttons.get(entry.key).tabIndex = isOpen ? 0 : -1;
      entry.pane.hidden = !isOpen;
    }
    if (focus) buttons.get(key).focus();
  };
  const choose = async (key, focus) => { if (await open(key) !== false) show(key, focus); };
  for (const { key, words, pane } of entries) {
    const id = `editor-tab-${++made}`;
    const button = h("button", { type: "button", role: "tab", id, "aria-controls": `${id}-pane`, onclick: () => choose(key, true) }, words);
    Object.assign(pane, { id: `${id}-pane` });
    pane.setAttribute("role", "tabpanel");
    pane.setAttribute("aria-labelledby", id);
    buttons.set(key, button);
    list.append(button);
  }
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const keys = entries.map((entry) => entry.key);
    const now = keys.findIndex((key) => buttons.get(key) === document.activeElement);
    buttons.get(keys[(now + step + keys.length) % keys.length]).focus();
  });
  return { list, show, choose };
}

/** A button with a menu from which a field is put somewhere: insert(source). */
export function fieldPicker(told, words, insert) {
  const id = `merge-${++made}`;
  const name = h("select", { class: "form-select", id, "data-plain": true }, ...told.fields.map(([value, shown]) => h("option", { value }, shown)));
  const fallback = h("input", { class: "form-control", id: `${id}-fallback`, type: "text", maxlength: "120", autocomplete: "off" });
  const hasFallback = () => !name.value.endsWith("_url");
  const part = h("div", {}, h("label", { class: "form-label mt-2", for: fallback.id }, told.words.fallback), fallback, h("div", { class: "form-hint" }, told.words.fallback_hint));
  name.addEventListener("change", () => { part.hidden = !hasFallback(); });
  const toggle = h("button", { type: "button", class: "btn btn-sm dropdown-toggle", "data-bs-toggle": "dropdown", "data-bs-auto-close": "outside", "aria-expanded": "false" }, words);
  const put = () => {
    const source = writeField(name.value, hasFallback() ? fallback.value : "");
    fallback.value = "";
    document.body.click(); // closes the menu
    insert(source);
  };
  const menu = h("div", { class: "dropdown-menu merge-menu" },
    h("label", { class: "form-label", for: id }, told.words.field), name, part,
    h("button", { type: "button", class: "btn btn-primary btn-sm mt-2", onclick: put }, told.words.add));
  menu.addEventListener("keydown", (event) => { if (event.key === "Enter" && event.target !== menu) { event.preventDefault(); put(); } });
  for (const kind of ["input", "change"]) menu.addEventListener(kind, (event) => event.stopPropagation()); // nothing of the form has changed yet
  return h("div", { class: "dropdown" }, toggle, menu);
}

/** Put a text where the cursor of a field stands. */
export function insertIntoField(field, text) {
  field.setRangeText(text, field.selectionStart ?? field.value.length, field.selectionEnd ?? field.value.length, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
}

/** Ask the panel, as a person of this page; the answer is JSON. */
export async function post(address, values) {
  const data = new FormData();
  for (const [name, value] of Object.entries(values)) data.append(name, value);
  const token = document.querySelector("meta[name=csrf-token]").content;
  const answer = await fetch(address, { method: "POST", body: data, headers: { "X-CSRFToken": token, Accept: "application/json" } });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}
