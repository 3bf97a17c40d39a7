// Opens the form of another page in a modal: its form is taken out of that page, errors come back into the modal.
import { Modal } from "@tabler/core/dist/js/tabler.esm.js";
import htmx from "htmx.org";
import { enhance } from "./enhance.js";
import { focusField, giveBackFocus } from "./focus.js";

const box = () => document.getElementById("modal-form");
const body = () => box().querySelector(".modal-body");
let opener = null; // gets the focus back
let isChanged = false; // what was written is not lost to a slip of the hand
let isLeft = false; // by a button that says so

/** The form of a page, or null when that page has none (then the browser goes there). */
function take(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const form = page.getElementById("model_form");
  return form && { form: document.importNode(form, true), title: page.querySelector(".page-title")?.textContent.trim() || "" };
}

function show(taken, address) {
  box().querySelector(".modal-title").textContent = taken.title;
  taken.form.action = taken.form.getAttribute("action") || address;
  taken.form.querySelectorAll("a[data-cancel]").forEach((link) => link.replaceWith(closer(link)));
  body().replaceChildren(taken.form);
  enhance(taken.form);
  htmx.process(taken.form);
  taken.form.addEventListener("submit", (event) => { event.preventDefault(); submit(taken.form, event.submitter); });
  const wrong = taken.form.querySelector(".wrong-fields a")?.hash.slice(1);
  const first = (wrong && taken.form.querySelector(`#${CSS.escape(wrong)}`)) || taken.form.querySelector("[autofocus]") || taken.form.querySelector("input:not([type=hidden]), select, textarea");
  const focus = () => focusField(first);
  isLeft = false;
  if (box().classList.contains("show")) focus(); else box().addEventListener("shown.bs.modal", focus, { once: true });
  Modal.getOrCreateInstance(box()).show();
}

/** The link that leads away from a form's page, as a button that closes the modal. */
function closer(link) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = link.className;
  button.dataset.bsDismiss = "modal";
  button.replaceChildren(...link.childNodes);
  return button;
}

async function open(address, link) {
  opener = link.isConnected ? link : document.activeElement;
  const answer = await fetch(address, { headers: { "X-Requested-With": "fetch" } });
  const taken = answer.ok && !answer.redirected ? take(await answer.text()) : null;
  if (!taken) { location.assign(address); return; }
  show(taken, address);
  isChanged = false;
}

async function submit(form, submitter) {
  const data = new FormData(form, submitter);
  form.querySelectorAll("[type=submit]").forEach((button) => { button.disabled = true; });
  try {
    // a redirect means "saved": not followed here, or the message of success would be shown to nobody
    const answer = await fetch(form.action, { method: "POST", body: data, redirect: "manual", headers: { "X-Requested-With": "fetch" } });
    if (answer.type === "opaqueredirect") {
      isLeft = true;
      // what stands below may say itself what has changed
      if (form.dispatchEvent(new CustomEvent("saved", { bubbles: true, cancelable: true }))) location.reload();
      else Modal.getInstance(box()).hide();
      return;
    }
    const next = answer.headers.get("HX-Redirect"); // saved, and it goes on there
    if (next) { isLeft = true; location.assign(next); return; }
    const taken = take(await answer.text());
    if (taken) { show(taken, form.action); return; }
  } catch { /* no answer: the words below say so */ }
  form.querySelectorAll("[type=submit]").forEach((button) => { button.disabled = false; });
  const failed = form.querySelector("[data-failed]");
  if (failed) failed.hidden = false;
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-modal-form]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  open(link.href, link);
});

for (const kind of ["input", "change"]) {
  document.addEventListener(kind, (event) => { if (event.target.closest?.("#modal-form")) isChanged = true; });
}

// on window: Bootstrap listens on the document in the same phase, and was there first
window.addEventListener("click", (event) => { if (event.target.closest("#modal-form [data-bs-dismiss]")) isLeft = true; }, true);

document.addEventListener("hide.bs.modal", (event) => {
  if (event.target.id !== "modal-form" || !isChanged || isLeft) return;
  event.preventDefault();
  event.target.classList.add("modal-static");
  setTimeout(() => event.target.classList.remove("modal-static"), 300);
});

document.addEventListener("hidden.bs.modal", (event) => { if (event.target.id === "modal-form") giveBackFocus(opener); });
