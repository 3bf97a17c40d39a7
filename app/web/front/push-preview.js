// The notification below the form of a campaign follows what somebody types: title, text and icon.
const FIELD = /\{\{\s*([\w.]+)(?:\s*\|\s*default:\s*["']([^"']*)["'])?\s*\}\}/g;

/** What one person would read, with the name of a field where it has no default. */
function filled(text) {
  return text.replace(FIELD, (_all, name, usual) => usual ?? `\u27e8${name}\u27e9`);
}

function draw(shown) {
  const value = (name) => shown.closest("form").elements[name]?.value ?? "";
  shown.querySelector(".notification-title").textContent = filled(value("subject"));
  shown.querySelector(".notification-text").textContent = filled(value("text"));
  const picture = shown.querySelector("img"), icon = value("icon_url").trim();
  if (!/^https?:\/\/\S+$/.test(icon)) {
    picture.hidden = true;
  } else if (picture.getAttribute("src") !== icon) {
    picture.onload = () => { picture.hidden = false; };
    picture.onerror = () => { picture.hidden = true; };
    picture.src = icon;
  } else {
    picture.hidden = !picture.naturalWidth;
  }
}

document.addEventListener("input", (event) => {
  const shown = event.target.form?.querySelector("[data-notification]");
  if (shown) draw(shown);
});
const drawAll = () => document.querySelectorAll("[data-notification]").forEach(draw);
document.addEventListener("DOMContentLoaded", drawAll);
document.addEventListener("htmx:load", drawAll);
