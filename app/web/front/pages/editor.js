// The editor of a message around its text area, which stays what is sent: rich, as HTML, its plain text and a preview.
import { isDocument, saysTheSame } from "../editor/html.js";
import { fieldPicker, h, insertIntoField, post, tabs } from "../editor/parts.js";
import { gallery, previewPane } from "../editor/preview.js";
import { insertInto, makeRich } from "../editor/rich.js";

const PAUSE = 500; // after the last letter, before the panel is asked
const attached = new WeakSet();

class MessageEditor {
  constructor({ element, told, ask, enhance }) {
    Object.assign(this, { area: element, told, ask, words: told.words, rich: null, own: "" });
    this.form = element.form;
    this.subject = this.form?.elements.subject ?? null;
    this.text = this.form?.elements.text ?? null;
    this.label = element.labels?.[0]?.textContent.trim() || this.words.message;
    this.build(enhance);
  }

  build(enhance) {
    const { words, area } = this;
    this.alert = h("div", { class: "alert alert-danger mb-2", role: "alert", hidden: true });
    this.taken = h("div", { class: "alert alert-warning mt-2 mb-0", role: "status", hidden: true });
    this.place = h("div", {});
    this.why = h("div", { class: "editor-why", hidden: true }, h("p", { class: "mb-2" }, words.kept_as_html), h("button", { type: "button", class: "btn btn-sm", onclick: () => this.openAnyway() }, words.open_anyway));
    const richPane = h("div", { class: "editor-pane is-rich" }, this.place);
    const htmlPane = h("div", { class: "editor-pane" });
    const looked = previewPane(this.told, () => this.written(), enhance);
    this.root = h("div", { class: "editor" });
    const entries = [{ key: "rich", words: words.editor, pane: richPane }, { key: "html", words: words.html, pane: htmlPane }];
    if (this.text) entries.push({ key: "plain", words: words.plain, pane: this.plainPane() });
    entries.push({ key: "preview", words: words.preview, pane: looked.pane });
    this.tabs = tabs(words.views, entries, (key) => this.open(key, looked.refresh));
    const tools = h("div", { class: "editor-tools" }, fieldPicker(this.told, words.insert, (source) => this.insert(source)));
    if (this.told.templates) tools.append(h("button", { type: "button", class: "btn btn-sm", onclick: gallery(this.told, (found) => this.begin(found)) }, words.templates));
    this.tools = tools;
    this.root.append(h("div", { class: "editor-head" }, this.tabs.list, tools), this.alert, this.why, ...entries.map((entry) => entry.pane), this.taken);
    area.before(this.root);
    htmlPane.append(area);
    if (this.subject) this.offerInSubject();
    area.addEventListener("input", () => this.changed());
    for (const field of [area, this.text]) {
      field?.addEventListener("muster:reach", (event) => { event.preventDefault(); this.reach(field); });
    }
    this.form?.addEventListener("submit", () => this.keep(), true);
    this.form?.addEventListener("formdata", (event) => { if (area.name) event.formData.set(area.name, this.html()); });
    this.lookSoon();
  }

  offerInSubject() {
    const picker = fieldPicker(this.told, this.words.insert, (source) => insertIntoField(this.subject, source));
    picker.querySelector("button").setAttribute("aria-label", this.words.insert_in_subject);
    const row = h("div", { class: "subject-row" });
    this.subject.before(row);
    row.append(this.subject, picker);
  }

  /** The plain text: shown as it is made from the message, or the field to write it in. */
  plainPane() {
    const { words, text } = this;
    const field = text.closest(".col-12") || text.parentElement;
    const radio = (value, shown, checked) => h("label", { class: "form-check form-check-inline" }, h("input", { type: "radio", class: "form-check-input", name: "editor-plain", value, checked, onchange: () => this.choosePlain(value) }), h("span", { class: "form-check-label" }, shown));
    const isOwn = text.value.trim() !== "";
    this.made = h("pre", { class: "is-wrapped editor-made", tabindex: "0" });
    this.plainField = field;
    this.plainChoice = h("div", { class: "mb-2", role: "radiogroup", "aria-label": words.plain }, radio("made", words.made, !isOwn), radio("own", words.own, isOwn));
    for (const kind of ["input", "change"]) this.plainChoice.addEventListener(kind, (event) => event.stopPropagation());
    field.className = "";
    this.showPlain(isOwn);
    return h("div", { class: "editor-pane" }, this.plainChoice, h("p", { class: "form-hint" }, words.made_hint), this.made, field);
  }

  showPlain(isOwn) {
    this.made.hidden = isOwn;
    this.plainField.hidden = !isOwn;
    this.plainChoice.querySelector(`[value=${isOwn ? "own" : "made"}]`).checked = true;
  }

  async choosePlain(value) {
    if (value === "own") {
      this.text.value = this.own || this.made.textContent;
    } else {
      if (this.text.value.trim() && this.text.value !== this.made.textContent && !(await this.ask(this.words.drop_own, { verb: this.words.go_on }))) { this.showPlain(true); return; }
      this.own = this.text.value; // one step back
      this.text.value = "";
    }
    this.showPlain(value === "own");
    this.text.dispatchEvent(new Event("input", { bubbles: true }));
  }

  html() { return this.rich ? this.rich.getData() : this.area.value; }

  /** Write what the rich editor holds into the text area. Untouched it leaves every letter as it was. */
  keep() { if (this.rich && this.isTouched) this.area.value = this.rich.getData(); }

  written() {
    this.keep();
    return { subject: this.subject?.value || "", html: this.area.value, text: this.text?.value || "" };
  }

  say(words) {
    this.alert.textContent = words;
    this.alert.hidden = !words;
    this.saidAt = Date.now();
  }

  changed() {
    if (Date.now() - (this.saidAt || 0) > 2000) this.say(""); // a picture that was refused is taken out: that is no answer to it
    this.lookSoon();
  }

  lookSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), PAUSE);
  }

  /** Ask what the plain text is, and what would not be sent. */
  async look() {
    const asked = this.asked = {};
    const { html } = this.written();
    const found = html.trim() ? await post(this.told.look, { html }).catch(() => null) : { text: "", taken: [], problem: "" };
    if (asked !== this.asked || !found) return;
    if (this.made) this.made.textContent = found.text || (found.problem ? "" : this.words.nothing);
    const said = found.problem || (found.taken.length ? `${this.words.taken} ${found.taken.join(", ")}` : "");
    this.taken.textContent = said;
    this.taken.hidden = !said;
  }

  /** Before a tab is opened. */
  async open(key, refresh) {
    this.key = key;
    this.why.hidden = !(this.isKept && key === "html");
    this.tools.firstChild.hidden = key === "preview";
    if (key === "rich") { if (!this.rich) await this.makeRich(); return; }
    this.keep();
    if (key === "html") await this.drop();
    if (key === "plain") this.look();
    if (key === "preview") requestAnimationFrame(refresh);
  }

  async drop() {
    const { rich } = this;
    this.keep();
    this.rich = null;
    if (rich) await rich.destroy();
    this.place.replaceChildren();
  }

  /** Make the rich editor, if it would keep what is written; else say why it is not. Returns whether it is there. */
  async makeRich(anyway = false) {
    const source = this.area.value;
    this.why.hidden = true;
    this.isKept = false;
    if (!anyway && isDocument(source)) return this.keepAsHtml();
    const start = h("div", {});
    this.place.replaceChildren(start);
    const rich = await makeRich(start, source, { told: this.told, label: this.label, say: (words) => this.say(words) });
    if (!anyway && source.trim() && !saysTheSame(source, rich.getData())) {
      await rich.destroy();
      return this.keepAsHtml();
    }
    this.rich = rich;
    this.isTouched = anyway;
    rich.model.document.on("change:data", () => {
      this.isTouched = true;
      clearTimeout(this.writing);
      this.writing = setTimeout(() => { this.keep(); this.area.dispatchEvent(new Event("input", { bubbles: true })); }, 150);
    });
    return true;
  }

  keepAsHtml() {
    this.place.replaceChildren();
    this.isKept = true;
    this.why.hidden = false;
    return false;
  }

  async openAnyway() {
    if (!(await this.ask(this.words.loses, { verb: this.words.go_on }))) return;
    await this.makeRich(true);
    this.key = "rich";
    this.tabs.show("rich");
  }

  /** Focus the message or its plain text where it is written, in whatever tab that is. */
  async reach(field) {
    if (field === this.text) {
      await this.tabs.choose("plain");
      if (this.plainField.hidden) await this.choosePlain("own");
    } else if (this.key !== "rich" || !this.rich) {
      await this.tabs.choose("html");
    }
    if (field === this.area && this.rich) this.rich.editing.view.focus(); else field.focus();
  }

  /** Put a field where people write at the moment. */
  insert(source) {
    if (this.key === "plain" && !this.plainField.hidden) insertIntoField(this.text, source);
    else if (this.key === "rich" && this.rich) insertInto(this.rich, source);
    else insertIntoField(this.area, source);
  }

  /** Begin with the words of a template. */
  async begin(found) {
    if (!found) { this.say(this.words.no_answer); return; }
    const { html, text } = this.written();
    if ((html.trim() || text.trim()) && !(await this.ask(this.words.replaces, { verb: this.words.go_on }))) return;
    await this.drop();
    this.area.value = found.html;
    if (this.subject && (found.subject || !this.subject.value)) this.subject.value = found.subject;
    if (this.text) { this.text.value = found.text; this.showPlain(found.text.trim() !== ""); }
    this.area.dispatchEvent(new Event("input", { bubbles: true }));
    await this.begun();
  }

  /** Show the tab that fits what is written. */
  async begun() {
    const isWrong = (field) => field?.classList.contains("is-invalid");
    if (isWrong(this.text) || location.hash === "#text") { await this.tabs.choose(this.text ? "plain" : "rich"); return; }
    if (isWrong(this.area) || !(await this.makeRich())) await this.tabs.choose("html"); else { this.key = "rich"; this.tabs.show("rich"); }
  }
}

document.addEventListener("muster:editor", ({ detail }) => {
  if (attached.has(detail.element)) return;
  attached.add(detail.element);
  new MessageEditor(detail).begun();
});
