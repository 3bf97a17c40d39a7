// The wall of cards: one stop for Tab, arrows between cards, a letter for each thing that a card can do.
let current = ""; // the id of the card that has the stop, also after its numbers were refreshed

const cards = () => [...document.querySelectorAll("[data-cards] .campaign-card")];
const controls = (card) => card.querySelectorAll("a[href], button:not(.dropdown-item)");

/** Let Tab stop at one card only; its buttons follow. */
function settle() {
  const all = cards();
  const mine = all.find((card) => card.id === current) ?? all[0];
  for (const card of all) controls(card).forEach((each) => { each.tabIndex = card === mine ? 0 : -1; });
}

function go(card) {
  if (!card) return;
  current = card.id;
  settle();
  card.querySelector("[data-name]").focus();
}

/** The card that an arrow leads to. */
function beside(card, key) {
  const all = cards();
  const at = all.indexOf(card);
  const columns = all.filter((each) => each.offsetTop === all[0].offsetTop).length;
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns, Home: -at, End: all.length - 1 - at };
  const next = all[at + steps[key]];
  return next ?? (key === "ArrowDown" && all.at(-1).offsetTop > card.offsetTop ? all.at(-1) : undefined);
}

const MOVES = new Set(["ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp", "Home", "End"]);

function press(event, button) {
  if (!button) return;
  event.preventDefault();
  button.click();
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable], .ts-wrapper, .modal, .dropdown-menu.show, [aria-expanded=true]")) return;
  if (event.key === "?") { press(event, document.querySelector("[data-keys]")); return; }
  if (event.key === "n") { press(event, document.querySelector("[data-new]")); return; }
  const card = event.target.closest(".campaign-card");
  if (!card) return;
  if (!MOVES.has(event.key)) { press(event, card.querySelector(`[data-key="${CSS.escape(event.key)}"]`)); return; }
  const toMenu = event.target.matches("[data-bs-toggle=dropdown]") && ["ArrowDown", "ArrowUp"].includes(event.key);
  if (toMenu) return;
  event.preventDefault();
  go(beside(card, event.key));
});

document.addEventListener("focusin", (event) => {
  const card = event.target.closest(".campaign-card");
  if (card && card.id !== current) { current = card.id; settle(); }
});

document.addEventListener("htmx:afterSwap", settle);

document.addEventListener("DOMContentLoaded", settle);

// A filter that is pointed at applies at once; one that is walked through with the keys waits for Enter.
let isWalking = false;
document.addEventListener("pointerdown", () => { isWalking = false; });
document.addEventListener("keydown", (event) => {
  if (!event.target.matches?.("select[data-submits]")) return;
  isWalking = event.key !== "Enter";
  if (!isWalking) event.target.form.requestSubmit();
});
document.addEventListener("change", (event) => {
  if (event.target.matches("select[data-submits]") && !isWalking) event.target.form.requestSubmit();
});
