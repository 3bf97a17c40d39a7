// Files for a campaign: dropped or chosen, each with its bar, its error and its way back. To a campaign that exists they go
// at once, one after the other, because the server adds up what all of them may have; those of a new one go with its form.
import { ask } from "./confirm.js";
import { enhance, whenever } from "./enhance.js";

const MEGA = 1_000_000;
const language = document.documentElement.lang || "en";
const token = () => document.querySelector("meta[name=csrf-token]")?.content || "";
const named = (text, name) => text.replace("{name}", () => name);

/** A size as the server's pages say it. */
function sizeWords(bytes) {
  const inMega = bytes >= MEGA;
  const digits = inMega && bytes < 10 * MEGA ? 1 : 0;
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(inMega ? bytes / MEGA : bytes && Math.max(Math.floor(bytes / 1000), 1));
  return `${number} ${inMega ? "MB" : "KB"}`;
}

/** One file: waiting, on its way, refused, or attached (then it has an id). */
class Item {
  constructor(zone, row, file = null) {
    Object.assign(this, { zone, row, file, id: row.dataset.document || "", bytes: file ? file.size : Number(row.dataset.bytes), type: row.dataset.type || "", state: file ? "waiting" : "attached" });
    this.part = (selector) => row.querySelector(selector);
    this.name = file ? file.name : this.part(".document-name").textContent.trim();
    if (file) { this.part(".document-name").textContent = file.name; this.part(".document-size").textContent = sizeWords(file.size); }
    this.part("[data-plain]")?.remove();
    this.part("[data-drop]").addEventListener("click", () => zone.drop(this));
    this.part("[data-retry]").addEventListener("click", () => { zone.input.focus(); zone.wait(this); });
    this.show();
  }

  /** Whether it counts towards what all may have. */
  get counts() { return this.state !== "refused"; }

  show(state = this.state, error = "") {
    const { texts, sendsAtOnce } = this.zone;
    this.state = state;
    this.row.dataset.state = state;
    const drop = this.part("[data-drop]");
    drop.hidden = false;
    drop.title = named(state === "attached" || !sendsAtOnce ? texts.drop : texts.cancel, this.name);
    drop.setAttribute("aria-label", drop.title);
    this.part("[data-retry]").hidden = state !== "refused" || !sendsAtOnce;
    this.part(".progress").hidden = !["waiting", "sending"].includes(state) || !sendsAtOnce;
    this.part(".progress").setAttribute("aria-label", this.name);
    this.part(".document-error").hidden = !error;
    this.part(".document-error").textContent = error;
  }

  reached(percent) {
    this.part(".progress-bar").style.width = `${percent}%`;
    this.part(".progress").setAttribute("aria-valuenow", Math.round(percent));
  }
}

class Zone {
  constructor(box) {
    this.box = box;
    this.texts = box.dataset;
    this.input = box.querySelector("input[type=file]");
    this.rows = box.querySelector(".document-rows");
    this.sendsAtOnce = "address" in box.dataset;
    this.most = Number(box.dataset.most);
    this.items = [...this.rows.children].map((row) => new Item(this, row));
    this.running = null;
    this.chooser = box.dataset.chooser ? document.getElementById(box.dataset.chooser) : null;
    if (this.sendsAtOnce) this.input.removeAttribute("name"); // nothing is left for the form to send
    box.classList.add("is-scripted"); // the field shows itself to those who have none
    box.querySelectorAll("[data-scripted]").forEach((part) => { part.hidden = false; });
    this.input.addEventListener("change", () => { const files = [...this.input.files]; if (this.sendsAtOnce) this.input.value = ""; else this.items = []; this.take(files); });
    this.catchDrops(box.querySelector(".drop"));
    this.chooser?.addEventListener("change", () => this.clear());
    this.count();
  }

  catchDrops(target) {
    for (const kind of ["dragenter", "dragover"]) target.addEventListener(kind, (event) => { event.preventDefault(); target.classList.add("is-over"); });
    for (const kind of ["dragleave", "drop"]) target.addEventListener(kind, () => target.classList.remove("is-over"));
    target.addEventListener("drop", (event) => { event.preventDefault(); this.take([...event.dataTransfer.files]); });
  }

  /** Another campaign was chosen: what is attached to the last one is not shown below it. */
  clear() {
    this.items = this.items.filter((item) => !["attached", "refused"].includes(item.state));
    this.draw();
  }

  take(files) {
    for (const file of files) {
      const row = this.box.querySelector("template").content.firstElementChild.cloneNode(true);
      const item = new Item(this, row, file);
      this.items.push(item);
      this.draw();
      enhance(row);
      this.wait(item);
    }
    if (!this.sendsAtOnce) this.keep();
  }

  wait(item) {
    item.show("refused"); // its own size is not counted twice
    const used = this.used();
    if (this.sendsAtOnce && !this.address(item)) item.show("refused", this.texts.noCampaign);
    else if (!item.file.size) item.show("refused", this.texts.empty);
    else if (used + item.file.size > this.most) item.show("refused", this.texts.tooLarge);
    else item.show("waiting");
    this.count();
    if (this.sendsAtOnce) this.next();
  }

  /** Where a file goes: what was chosen when it came, whatever is chosen later. */
  address(item) {
    item.address ||= this.chooser ? (this.chooser.value && this.texts.address.replace("/0/", `/${this.chooser.value}/`)) : this.texts.address;
    return item.address;
  }

  next() {
    const item = !this.running && this.items.find((each) => each.state === "waiting");
    if (!item) return;
    this.running = item;
    item.show("sending");
    const data = new FormData();
    data.append("file", item.file, item.file.name);
    const request = new XMLHttpRequest(); // fetch tells nothing of what has left
    item.request = request;
    request.open("POST", item.address);
    request.setRequestHeader("X-CSRFToken", token());
    request.setRequestHeader("Accept", "application/json");
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => item.reached(event.lengthComputable ? (100 * event.loaded) / event.total : 0));
    request.addEventListener("load", () => this.answered(item, request));
    request.addEventListener("error", () => this.ended(item, "refused", this.texts.lost));
    request.addEventListener("abort", () => this.ended(item, "cancelled"));
    request.send(data);
  }

  answered(item, request) {
    if (request.status !== 201) { this.ended(item, "refused", request.response?.message || this.texts.lost); return; }
    item.id = String(request.response.id);
    item.name = request.response.result.name;
    item.type = request.response.result.media_type;
    const link = document.createElement("a");
    link.href = `/documents/${item.id}/file`;
    link.download = "";
    link.textContent = item.name;
    item.part(".document-name").replaceChildren(link);
    this.say(this.texts.done, item.name);
    this.ended(item, "attached");
    this.box.dispatchEvent(new CustomEvent("attached", { bubbles: true }));
  }

  ended(item, state, error = "") {
    this.running = null;
    item.request = null;
    item.show(state, error);
    this.count();
    this.next();
  }

  async drop(item) {
    if (item.request) item.request.abort();
    else if (item.id && !(await this.takeOff(item))) return;
    this.items = this.items.filter((each) => each !== item);
    this.draw();
    if (!this.sendsAtOnce) this.keep();
    this.input.focus();
  }

  async takeOff(item) {
    if (!(await ask(named(this.texts.question, item.name), { verb: this.texts.verb, danger: true }))) return false;
    const address = `${item.address || this.texts.address}/${item.id}`;
    const answer = await fetch(address, { method: "DELETE", headers: { "X-CSRFToken": token(), Accept: "application/json" } }).catch(() => null);
    if (!answer?.ok) {
      const said = await answer?.json().catch(() => null);
      item.show("attached", said?.message || this.texts.lost);
      return false;
    }
    this.say(this.texts.gone, item.name);
    this.box.dispatchEvent(new CustomEvent("attached", { bubbles: true }));
    return true;
  }

  /** The field of a new campaign holds the files itself, until the form is sent. */
  keep() {
    const kept = new DataTransfer();
    this.items.filter((item) => item.counts).forEach((item) => kept.items.add(item.file));
    this.input.files = kept.files;
  }

  used() { return this.items.filter((item) => item.counts).reduce((sum, item) => sum + item.bytes, 0); }

  draw() {
    this.rows.replaceChildren(...this.items.map((item) => item.row));
    this.rows.hidden = !this.items.length;
    this.count();
  }

  count() {
    const used = this.used();
    const part = this.box.querySelector(".document-used");
    part.hidden = !used || Boolean(this.chooser); // a campaign that was chosen in a list may have more than is shown
    part.textContent = this.texts.used.replace("{used}", sizeWords(used));
    if (this.texts.pictures) this.mark();
  }

  /** WhatsApp shows the first picture that it takes; text_content.py has the rule. */
  mark() {
    const attached = this.items.filter((item) => item.state === "attached");
    const kinds = this.texts.pictures.split(" ");
    const picture = attached.find((item) => kinds.includes(item.type) && item.bytes <= Number(this.texts.largestPicture));
    for (const item of this.items) {
      const how = item === picture ? this.texts.asPicture : this.texts.asLink;
      item.part(".document-goes").textContent = attached.includes(item) ? how : "";
    }
  }

  say(text, name) { this.box.querySelector("[role=status]").textContent = named(text, name); }
}

const zones = new Map();
whenever("[data-documents]", (box) => { if (!zones.has(box)) zones.set(box, new Zone(box)); });

// a file that misses its place is not opened instead of the page
for (const kind of ["dragover", "drop"]) {
  window.addEventListener(kind, (event) => { if (document.querySelector("[data-documents]") && event.dataTransfer?.types.includes("Files")) event.preventDefault(); });
}

window.addEventListener("beforeunload", (event) => {
  if ([...zones].some(([box, zone]) => box.isConnected && zone.running)) event.preventDefault();
});
