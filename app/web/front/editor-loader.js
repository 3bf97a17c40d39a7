// Fetches the editor of messages where there is a message to write: it is larger than all the rest together.
import { ask } from "./confirm.js";
import { enhance, whenever } from "./enhance.js";

let script = null;

whenever("textarea[data-editor]", (element) => {
  const told = JSON.parse(element.dataset.editor);
  if (!document.querySelector("link[data-of-editor]")) {
    const style = Object.assign(document.createElement("link"), { rel: "stylesheet", href: told.style });
    style.dataset.ofEditor = "";
    document.head.append(style);
  }
  script ??= new Promise((resolve, reject) => {
    document.head.append(Object.assign(document.createElement("script"), { src: told.script, onload: resolve, onerror: reject }));
  });
  // without it the text area stays as it is
  script.then(() => document.dispatchEvent(new CustomEvent("muster:editor", { detail: { element, told, ask, enhance } })), () => { script = null; });
});
