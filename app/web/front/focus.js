// Where the keyboard goes on in a dialog, and after it is closed.

/** Focus what opened the dialog, or the button of the menu that it stood in. */
export function giveBackFocus(opener) {
  const menu = opener?.closest?.(".dropdown-menu:not(.show)");
  (menu ? menu.parentElement.querySelector("[data-bs-toggle=dropdown]") : opener)?.focus?.();
}

const WRITTEN = "input, select, textarea";
const isSeen = (element) => element.getClientRects().length > 0;

/** A field, or what people see in place of it: a searchable choice, round buttons, the first part of a list with two sides. */
function seenFor(field) {
  if (field.tomselect) return field.tomselect;
  const isField = field.matches(WRITTEN);
  if (isField && isSeen(field)) return field;
  const place = isField ? field.parentElement : field;
  return place.querySelector("input:checked") ?? [...place.querySelectorAll(WRITTEN)].find(isSeen);
}

/** Focus a field, or what people see in place of it. */
export function focusField(field) {
  if (field) seenFor(field)?.focus();
}

// The names above a form that was refused lead to their fields. A field in a closed part of the page opens it itself.
document.addEventListener("click", (event) => {
  const link = event.target.closest(".wrong-fields a");
  const field = link?.closest("form").querySelector(`#${CSS.escape(link.hash.slice(1))}`);
  if (!field) return;
  event.preventDefault();
  if (field.dispatchEvent(new CustomEvent("muster:reach", { cancelable: true }))) focusField(field);
  (field.closest(".row > *") ?? field).scrollIntoView({ block: "start" }); // with its label
});

// Bootstrap takes the focus back to the dialog when it reaches something behind it. Behind the last dialog of the page there is
// nothing: Tab would lead out of the page, and Escape would no longer be heard. So something is there while a dialog is open.
const end = document.createElement("span");
end.tabIndex = 0;
document.addEventListener("shown.bs.modal", () => document.body.append(end));
document.addEventListener("hidden.bs.modal", () => { if (!document.querySelector(".modal.show")) end.remove(); });
