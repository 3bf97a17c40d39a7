// A button with data-copy puts the text of the field that it names into the clipboard, and says so.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const field = document.getElementById(button.dataset.copy);
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    return; // not over http, or forbidden: the text is chosen, and the keys of the system copy it
  }
  const said = button.querySelector("[role=status]");
  said.textContent = button.dataset.copied;
  setTimeout(() => { said.textContent = ""; }, 2000);
});
