// Where the keyboard goes on in a dialog, and after it is closed.

/** Focus what opened the dialog, or the button of the menu that it stood in. */
export function giveBackFocus(opener) {
  const menu = opener?.closest?.(".dropdown-menu:not(.show)");
  (menu ? menu.parentElement.querySelector("[data-bs-toggle=dropdown]") : opener)?.focus?.();
}

/** Focus a field, or what people see in place of it. */
export function focusField(field) {
  (field?.tomselect ?? field)?.focus();
}

// Bootstrap takes the focus back to the dialog when it reaches something behind it. Behind the last dialog of the page there is
// nothing: Tab would lead out of the page, and Escape would no longer be heard. So something is there while a dialog is open.
const end = document.createElement("span");
end.tabIndex = 0;
document.addEventListener("shown.bs.modal", () => document.body.append(end));
document.addEventListener("hidden.bs.modal", () => { if (!document.querySelector(".modal.show")) end.remove(); });
