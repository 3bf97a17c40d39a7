// Asks before a form or a button with data-confirm does what it says.
import { Modal } from "@tabler/core/dist/js/tabler.esm.js";
import { enhance } from "./enhance.js";
import { giveBackFocus } from "./focus.js";

const box = () => document.getElementById("modal-confirm");

/** What a person should know before they answer, from an address; what is marked as blocked cannot be agreed to. */
async function tell(dialog, address, yes) {
  const part = dialog.querySelector("[data-more]");
  part.hidden = !address;
  part.textContent = part.dataset.waiting;
  part.dataset.of = address;
  dialog.querySelector(".modal-dialog").classList.toggle("modal-sm", !address);
  yes.disabled = false;
  if (!address) return;
  const html = await fetch(address, { headers: { "X-Requested-With": "fetch" } }).then((answer) => (answer.ok ? answer.text() : ""), () => "");
  if (part.dataset.of !== address) return; // another question is asked by now
  part.hidden = !html;
  part.innerHTML = html;
  enhance(part);
  if (!part.querySelector("[data-blocked]")) return;
  const hadFocus = document.activeElement === yes;
  yes.disabled = true;
  if (hadFocus) dialog.querySelector("[data-bs-dismiss]").focus(); // or nobody would hear the keys
}

/** Show the question; resolves to whether the person said yes. */
export function ask(question, { verb = "", danger = false, more = "" } = {}) {
  const dialog = box();
  const opener = document.activeElement;
  const yes = dialog.querySelector("[data-yes]");
  dialog.querySelector("[data-question]").textContent = question;
  yes.textContent = verb || yes.dataset.default;
  tell(dialog, more, yes);
  yes.classList.toggle("btn-danger", danger);
  yes.classList.toggle("btn-primary", !danger);
  return new Promise((resolve) => {
    let answer = false;
    const agree = () => { answer = true; Modal.getInstance(dialog).hide(); };
    yes.addEventListener("click", agree, { once: true });
    dialog.addEventListener("hidden.bs.modal", () => { yes.removeEventListener("click", agree); giveBackFocus(opener); resolve(answer); }, { once: true });
    dialog.addEventListener("shown.bs.modal", () => {
      dialog.setAttribute("role", "alertdialog"); // Bootstrap has made a dialog of it: that would not read the question out
      (yes.disabled ? dialog.querySelector("[data-bs-dismiss]") : yes).focus();
    }, { once: true });
    Modal.getOrCreateInstance(dialog).show();
  });
}

/** "3 chosen. " before the question of an action on the chosen rows of a list. */
function ofHowMany(button) {
  const chosen = button.matches("[name=action]") && button.closest(".bulk-bar")?.querySelector(".bulk-count");
  return chosen ? `${chosen.textContent.replace(/\s+/g, " ").trim()}. ` : "";
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  const asking = event.submitter?.dataset.confirm ? event.submitter : form;
  if (!asking.dataset.confirm || form.dataset.agreed) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const submitter = event.submitter;
  ask(`${ofHowMany(asking)}${asking.dataset.confirm}`, { verb: asking.dataset.verb, danger: "danger" in asking.dataset, more: asking.dataset.more }).then((agreed) => {
    if (!agreed || submitter?.isConnected === false) return; // a page that stays fresh has taken it away meanwhile
    form.dataset.agreed = "1";
    form.requestSubmit(submitter);
    delete form.dataset.agreed;
  });
}, true);
