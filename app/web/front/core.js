// What every page of the panel needs. Each module listens on the document, so that parts loaded later work as well.
import "./shell.js";
import "./confirm.js";
import "./modal-form.js";
import "./report-modal.js";
import "./lists.js";
import "./filters.js";
import "./polling.js";
import "./fills.js";
import "./dual-list.js";
import "./colors.js";
import "./copy.js";
import "./push-preview.js";
import "./missions.js";
import "./documents.js";
import "./editor-loader.js";
import { enhance } from "./enhance.js";

document.addEventListener("DOMContentLoaded", () => enhance(document.body));
document.addEventListener("htmx:load", (event) => enhance(event.detail.elt));
