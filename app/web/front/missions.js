// Actions on chosen rows that ask something first: their question opens in a modal instead of on a page of its own.
// <span data-asks-in-modal="the action's name" data-address="the address of its form"> on the page of the list says so.
document.addEventListener("click", (event) => {
  const button = event.target.closest(".bulk-bar button[name=action]");
  const place = button && document.querySelector(`[data-asks-in-modal="${CSS.escape(button.value)}"]`);
  if (!place) return;
  event.preventDefault();
  const ids = [...button.closest("[data-list]").querySelectorAll(".row-check:checked")].map((box) => box.value);
  const link = document.createElement("a");
  link.href = `${place.dataset.address}?ids=${ids.join(",")}`;
  link.dataset.modalForm = "";
  document.body.append(link);
  link.click();
  link.remove();
});

// a select that was made searchable does not hear of a reset by itself
document.addEventListener("reset", (event) => setTimeout(() => {
  for (const select of event.target.querySelectorAll("select")) select.tomselect?.setValue(select.value, true);
}));
