// Asks before a form or a button with data-confirm does what it says.
import { Modal } from "@tabler/core/dist/js/tabler.esm.js";
import { giveBackFocus } from "./focus.js";

const box = () => document.getElementById("modal-confirm");

/** Show the question; resolves to whether the person said yes. */
export function ask(question, { verb = "", danger = false } = {}) {
  const dialog = box();
  const opener = document.activeElement;
  const yes = dialog.querySelector("[data-yes]");
  dialog.querySelector("[data-question]").textContent = question;
  yes.textContent = verb || yes.dataset.default;
  yes.classList.toggle("btn-danger", danger);
  yes.classList.toggle("btn-primary", !danger);
  return new Promise((resolve) => {
    let answer = false;
    const agree = () => { answer = true; Modal.getInstance(dialog).hide(); };
    yes.addEventListener("click", agree, { once: true });
    dialog.addEventListener("hidden.bs.modal", () => { yes.removeEventListener("click", agree); giveBackFocus(opener); resolve(answer); }, { once: true });
    dialog.addEventListener("shown.bs.modal", () => {
      dialog.setAttribute("role", "alertdialog"); // Bootstrap has made a dialog of it: that would not read the question out
      yes.focus();
    }, { once: true });
    Modal.getOrCreateInstance(dialog).show();
  });
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  const asking = event.submitter?.dataset.confirm ? event.submitter : form;
  if (!asking.dataset.confirm || form.dataset.agreed) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const submitter = event.submitter;
  ask(asking.dataset.confirm, { verb: asking.dataset.verb, danger: "danger" in asking.dataset }).then((agreed) => {
    if (!agreed) return;
    form.dataset.agreed = "1";
    form.requestSubmit(submitter);
    delete form.dataset.agreed;
  });
}, true);
