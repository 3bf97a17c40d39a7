// htmx for the parts of a page that stay fresh, without anything that a strict policy forbids.
import { Tooltip } from "@tabler/core/dist/js/tabler.esm.js";
import htmx from "htmx.org";
import { Idiomorph } from "idiomorph/dist/idiomorph.esm.js";

window.htmx = htmx;
htmx.config.allowEval = false;
htmx.config.includeIndicatorStyles = false;
htmx.config.selfRequestsOnly = true;
htmx.config.historyCacheSize = 0;

// What scripts of the page have set and no answer knows: widths, the place of a menu, names for tooltips, the one stop for Tab.
const OURS = new Set(["style", "tabindex", "aria-describedby", "data-bs-original-title"]);
const callbacks = {
  beforeAttributeUpdated: (name, node, change) => (change === "remove" ? !OURS.has(name) : name !== "title" || !node.dataset.bsOriginalTitle),
  // a menu that somebody reads, a row that somebody has chosen
  beforeNodeMorphed: (node) => !node.querySelector?.(":scope > .dropdown-menu.show") && !node.matches?.(".row-check"),
  beforeNodeRemoved(node) {
    if (node.nodeType !== Node.ELEMENT_NODE) return;
    for (const each of [node, ...node.querySelectorAll("[data-bs-original-title]")]) Tooltip.getInstance(each)?.dispose();
  },
};

// hx-swap="morph" changes only what differs: no flicker, and the focus stays where it is
htmx.defineExtension("morph", {
  isInlineSwap: (style) => style.startsWith("morph"),
  handleSwap(style, target, fragment) {
    if (!style.startsWith("morph")) return false;
    return Idiomorph.morph(target, fragment.children, { morphStyle: style === "morph:innerHTML" ? "innerHTML" : "outerHTML", ignoreActiveValue: true, callbacks });
  },
});

// nobody looks at a hidden page, or at a part of it that is not shown
document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt } = event.detail;
  if (elt.getAttribute("hx-trigger")?.startsWith("every") && (document.hidden || !elt.checkVisibility({ visibilityProperty: true }))) event.preventDefault();
});

// a form or button that htmx sends carries the token as any form does
document.addEventListener("htmx:configRequest", (event) => {
  const token = document.querySelector("meta[name=csrf-token]")?.content;
  if (token && event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = token;
});

// a part that is asked for after the page was shown says so when it does not come
for (const kind of ["htmx:responseError", "htmx:sendError"]) {
  document.addEventListener(kind, (event) => {
    const { lost } = event.detail.elt.dataset;
    if (lost) event.detail.elt.textContent = lost;
  });
}
