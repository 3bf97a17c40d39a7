// The report of a campaign over the page it was opened from: the same page as its address shows, so that a reload or a copied
// address leads to it. Back and Escape close it.
import { Modal } from "@tabler/core/dist/js/tabler.esm.js";
import htmx from "htmx.org";
import { enhance } from "./enhance.js";
import { giveBackFocus } from "./focus.js";

const box = () => document.getElementById("modal-report");
const body = () => box().querySelector(".report-body");
const isOpen = () => Boolean(box()?.classList.contains("show"));
const behind = () => document.querySelectorAll(".stage, #rail, .skip-link");
let opener = null; // gets the focus back
let isOurs = false; // whether the newest entry of the history is the report's

/** What drives the numbers of a report, fetched when the first one is opened. */
function bringScript() {
  if (document.querySelector(`script[src="${box().dataset.script}"]`)) return;
  const script = document.createElement("script");
  script.src = box().dataset.script;
  document.head.append(script);
}

/** Show the page of a report in the modal; anything else (signed out, gone) takes the whole window. */
async function fill(address, options = {}) {
  body().setAttribute("aria-busy", "true");
  const answer = await fetch(address, { headers: { "X-Requested-With": "fetch" }, ...options }).catch(() => null);
  body().removeAttribute("aria-busy");
  const page = answer?.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
  if (!page?.getElementById("report-live")) { location.assign(answer?.url || address); return false; }
  const focused = body().contains(document.activeElement) ? document.activeElement.id : "";
  body().replaceChildren(...document.importNode(page.getElementById("content"), true).childNodes);
  enhance(body());
  htmx.process(body());
  box().querySelector("[data-as-page]").href = answer.url;
  if (isOpen()) {
    history.replaceState(history.state, "", answer.url);
    ((focused && document.getElementById(focused)) || body()).focus();
  }
  const { hash } = new URL(address, location);
  if (hash) body().querySelector(hash)?.scrollIntoView();
  return true;
}

async function open(link) {
  bringScript();
  if (!(await fill(link.href))) return;
  opener = link.isConnected ? link : document.getElementById(link.id);
  history.pushState({ report: true }, "", link.href);
  isOurs = true;
  // no focus trap of Bootstrap's: a form and a question may stand above the report
  Modal.getOrCreateInstance(box(), { backdrop: false, focus: false }).show();
}

const isPlain = (event) => !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button);

document.addEventListener("click", (event) => {
  if (!isPlain(event) || event.defaultPrevented) return;
  const link = event.target.closest("a[href]");
  if (link?.matches("[data-report]") && box()) { event.preventDefault(); open(link); return; }
  if (event.target === box()) { Modal.getInstance(box()).hide(); return; } // beside it
  if (!link || !isOpen() || !body().contains(link) || link.hasAttribute("download") || link.matches("[data-modal-form]")) return;
  if (link.origin !== location.origin || link.pathname !== location.pathname) return;
  event.preventDefault();
  fill(link.href);
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || !isOpen() || !(body().contains(form) || body().contains(event.submitter))) return;
  event.preventDefault();
  const given = new FormData(form, event.submitter);
  const address = new URL(event.submitter?.getAttribute("formaction") || form.getAttribute("action") || location.href, location);
  if (form.method === "post") { fill(address.href, { method: "POST", body: given }); return; }
  address.search = new URLSearchParams([...given].filter(([, value]) => value !== ""));
  fill(address.href);
});

// a form above the report was saved: the report says so, and stays
document.addEventListener("saved", (event) => {
  if (!isOpen()) return;
  event.preventDefault();
  fill(location.href);
});

document.addEventListener("shown.bs.modal", (event) => {
  if (event.target !== box()) return;
  if (!isOurs) { Modal.getInstance(box()).hide(); return; } // gone back while it was opening: Bootstrap does not hear that
  behind().forEach((each) => { each.inert = true; });
  body().focus();
});

document.addEventListener("hidden.bs.modal", (event) => {
  if (event.target !== box()) return;
  behind().forEach((each) => { each.inert = false; });
  body().replaceChildren(); // nothing of it is asked for any more
  giveBackFocus(opener?.isConnected ? opener : document.getElementById(opener?.id ?? ""));
  if (!isOurs) return;
  isOurs = false;
  history.back();
});

window.addEventListener("popstate", () => {
  if (isOpen()) { isOurs = false; Modal.getInstance(box()).hide(); } else if (history.state?.report) location.reload();
});
