// The rows of a list: choosing them, the bar of actions for the chosen ones.
const chosen = (list) => list.querySelectorAll(".row-check:checked");

function refresh(list) {
  const number = chosen(list).length;
  const all = list.querySelectorAll(".row-check");
  const every = list.querySelector(".row-check-all");
  const bar = list.querySelector(".bulk-bar");
  if (every) { every.checked = number > 0 && number === all.length; every.indeterminate = number > 0 && number < all.length; }
  if (bar) { bar.hidden = number === 0; bar.querySelector("[data-chosen]").textContent = number; }
  all.forEach((box) => box.closest("tr, .card")?.classList.toggle("is-chosen", box.checked));
}

document.addEventListener("change", (event) => {
  const list = event.target.closest("[data-list]");
  if (!list) return;
  if (event.target.matches(".row-check-all")) list.querySelectorAll(".row-check").forEach((box) => { box.checked = event.target.checked; });
  if (event.target.matches(".row-check, .row-check-all")) refresh(list);
});

document.addEventListener("click", (event) => {
  const list = event.target.closest("[data-list]");
  if (list && event.target.closest("[data-choose-none]")) {
    list.querySelectorAll(".row-check").forEach((box) => { box.checked = false; });
    refresh(list);
  }
});

// a browser that goes back shows the boxes as they were
window.addEventListener("pageshow", () => document.querySelectorAll("[data-list]").forEach(refresh));
