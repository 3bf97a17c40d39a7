// What is written now, as somebody would get it: in a frame that our page cannot reach into, and that does nothing.
import { h, post } from "./parts.js";

const count = { frames: 0 };

/** The pane of the preview; refresh() shows what is written at that moment. */
export function previewPane(told, written, enhance) {
  const { words } = told;
  const radio = (value, text, checked) => {
    const id = `editor-width-${value}`;
    return [h("input", { type: "radio", class: "btn-check", name: "editor-width", value, id, checked, onchange: refresh }), h("label", { class: "btn", for: id }, text)];
  };
  const dark = h("input", { type: "checkbox", class: "form-check-input", onchange: refresh });
  const who = told.clients ? h("select", { id: "editor-contact", class: "form-select", "data-select": true, "data-source": told.clients, "data-placeholder": words.type_name, onchange: refresh }) : null;
  const widths = h("div", { class: "btn-group", role: "group", "aria-label": words.width }, ...radio("desktop", words.desktop, true), ...radio("phone", words.phone, false));
  const subject = h("div", { class: "fw-medium mb-3 preview-subject" });
  const place = h("div", {});
  const bar = h("div", { class: "preview-bar" },
    who && h("div", { class: "preview-who" }, h("label", { class: "form-label m-0", for: "editor-contact" }, words.seen_as), who), widths,
    h("label", { class: "form-check form-switch m-0" }, dark, h("span", { class: "form-check-label" }, words.dark)));
  const pane = h("div", { class: "editor-pane" }, bar, h("div", { class: "quiet" }, words.subject), subject, place);
  for (const kind of ["input", "change"]) bar.addEventListener(kind, (event) => event.stopPropagation());
  let isEnhanced = false;

  function refresh() {
    if (!isEnhanced) { enhance(pane); isEnhanced = true; }
    const now = written();
    const isPhone = widths.querySelector(":checked").value === "phone";
    subject.textContent = now.subject || "–";
    post(told.look, { ...now, contact: who?.value || "" }).then((found) => { if (found.subject && subject.isConnected) subject.textContent = found.subject; }, () => {});
    const name = `editor-preview-${++count.frames}`; // a new frame each time, or each look would be a step of the way back
    const frame = h("iframe", { class: `mail-frame is-tall${isPhone ? " is-phone" : ""}${dark.checked ? " is-dark" : ""}`, name, sandbox: "allow-popups allow-popups-to-escape-sandbox", title: words.message });
    place.replaceChildren(frame);
    const values = { ...now, contact: who?.value || "", csrf_token: document.querySelector("meta[name=csrf-token]").content, ...(dark.checked ? { dark: "1" } : {}) };
    const form = h("form", { method: "post", action: told.preview, target: name, hidden: true },
      ...Object.entries(values).map(([key, value]) => Object.assign(h("textarea", { name: key }), { value })));
    document.body.append(form);
    form.submit();
    form.remove();
  }
  return { pane, refresh };
}

/** A dialog with the templates; take(words) is told what the chosen one says. */
export function gallery(told, take) {
  const body = h("div", { class: "template-body" });
  const dialog = h("dialog", { class: "template-dialog", "aria-label": told.words.templates },
    h("div", { class: "template-head" }, h("h2", { class: "modal-title" }, told.words.templates), h("button", { type: "button", class: "btn-close", "aria-label": told.words.close, onclick: () => dialog.close() })), body);
  dialog.addEventListener("click", async (event) => {
    if (event.target === dialog) { dialog.close(); return; }
    const card = event.target.closest("[data-template]");
    if (!card) return;
    const answer = await fetch(told.template + card.dataset.template, { headers: { Accept: "application/json" } }).catch(() => null);
    dialog.close();
    if (answer?.ok) take(await answer.json()); else take(null);
  });
  return async () => {
    if (!dialog.isConnected) document.body.append(dialog);
    const answer = await fetch(told.templates, { headers: { "X-Requested-With": "fetch" } }).catch(() => null);
    if (!answer?.ok) { take(null); return; }
    body.innerHTML = await answer.text();
    dialog.showModal();
  };
}
