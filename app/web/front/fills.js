// A choice that fills in other fields: <select data-fills> with <option data-fill-host="…">.
document.addEventListener("change", (event) => {
  if (!event.target.matches("select[data-fills]")) return;
  for (const { name, value } of event.target.selectedOptions[0].attributes) {
    const field = name.startsWith("data-fill-") && event.target.form.elements[name.slice("data-fill-".length)];
    if (field) field.value = value;
  }
});
