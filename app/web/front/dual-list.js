// A list with two sides in place of a select in which several can be marked: what may be chosen, and what is.
// The select stays in the form and carries the choice; the two sides show it. Of thousands only the first are drawn.
import { whenever } from "./enhance.js";

const DRAWN = 200;
let count = 0;

/** One side: a filter field above a list that the arrow keys move through and Enter, Space or a click empties. */
class Side {
  constructor(words, title, all, move) {
    const id = `dual-${++count}`;
    this.id = id;
    this.words = words;
    this.move = move;
    this.active = 0;
    this.box = document.createElement("div");
    this.box.className = "dual-side";
    this.box.innerHTML = `
      <div class="dual-head"><span class="form-label m-0" id="${id}-title"></span><span class="quiet number" data-count></span></div>
      <input class="form-control form-control-sm" type="search" autocomplete="off" data-filter>
      <ul class="dual-list" role="listbox" tabindex="0" aria-labelledby="${id}-title"></ul>
      <button class="btn btn-sm btn-quiet" type="button" data-all></button>`;
    this.box.querySelector(".form-label").textContent = title;
    this.filter = this.box.querySelector("[data-filter]");
    this.filter.placeholder = words.filter;
    this.filter.setAttribute("aria-label", `${words.filter}: ${title}`);
    this.list = this.box.querySelector("ul");
    this.all = this.box.querySelector("[data-all]");
    this.all.textContent = all;
    this.filter.addEventListener("input", () => { this.active = 0; this.draw(); });
    this.filter.addEventListener("keydown", (event) => {
      if (event.key === "Enter") { event.preventDefault(); if (this.found[0]) this.move([this.found[0]]); }
      if (event.key === "ArrowDown") { event.preventDefault(); this.list.focus(); }
    });
    this.list.addEventListener("click", (event) => {
      const item = event.target.closest("li[data-at]");
      if (!item) return;
      this.active = Number(item.dataset.at);
      this.move([this.found[this.active]]);
    });
    this.list.addEventListener("keydown", (event) => this.pressed(event));
    this.all.addEventListener("click", () => this.move([...this.found]));
  }

  pressed(event) {
    const last = Math.min(this.found.length, DRAWN) - 1;
    const to = { ArrowDown: this.active + 1, ArrowUp: this.active - 1, Home: 0, End: last, PageDown: this.active + 10, PageUp: this.active - 10 }[event.key];
    if (to !== undefined) { event.preventDefault(); this.point(Math.max(0, Math.min(last, to))); }
    if ((event.key === "Enter" || event.key === " ") && this.found[this.active]) { event.preventDefault(); this.move([this.found[this.active]]); }
  }

  point(at) {
    this.list.querySelector(".is-active")?.classList.remove("is-active");
    this.active = at;
    const item = this.list.children[at];
    if (!item || !item.dataset.at) { this.list.removeAttribute("aria-activedescendant"); return; }
    item.classList.add("is-active");
    item.scrollIntoView({ block: "nearest" });
    this.list.setAttribute("aria-activedescendant", item.id);
  }

  draw(options = this.options) {
    this.options = options;
    const wanted = this.filter.value.trim().toLocaleLowerCase();
    this.found = wanted ? options.filter((option) => `${option.text} ${option.dataset.note || ""}`.toLocaleLowerCase().includes(wanted)) : options;
    this.box.querySelector("[data-count]").textContent = wanted ? `${this.found.length} / ${options.length}` : options.length;
    const items = this.found.slice(0, DRAWN).map((option, at) => {
      const item = document.createElement("li");
      item.id = `${this.id}-${at}`;
      item.dataset.at = at;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", "false");
      item.textContent = option.text;
      if (option.dataset.note) {
        const note = document.createElement("small");
        note.className = "quiet";
        note.textContent = option.dataset.note;
        item.append(" ", note);
      }
      return item;
    });
    const rest = this.found.length - items.length;
    if (!items.length || rest > 0) {
      const note = document.createElement("li");
      note.className = "quiet is-note";
      note.setAttribute("role", "option"); // a listbox holds nothing else
      note.setAttribute("aria-disabled", "true");
      note.setAttribute("aria-disabled", "true");
      note.textContent = rest > 0 ? this.words.more.replace("{n}", rest) : this.words.none;
      items.push(note);
    }
    this.list.replaceChildren(...items);
    this.all.disabled = !this.found.length;
    this.point(Math.max(0, Math.min(this.active, Math.min(this.found.length, DRAWN) - 1)));
  }
}

whenever("select[data-dual-list]", (select) => {
  if (select.dataset.ready) return;
  select.dataset.ready = "1";
  const words = select.dataset;
  const said = document.createElement("span");
  said.className = "visually-hidden";
  said.setAttribute("role", "status");
  const sides = [false, true].map((isChosen) => new Side(words, isChosen ? words.chosen : words.available, isChosen ? words.remove : words.add, (options) => {
    for (const option of options) option.selected = !isChosen;
    said.textContent = options.length === 1 ? (isChosen ? words.removed : words.added).replace("{name}", options[0].text) : "";
    draw();
  }));
  const draw = () => sides.forEach((side, at) => side.draw([...select.options].filter((option) => option.selected === Boolean(at))));
  const both = document.createElement("div");
  both.className = "dual";
  both.append(...sides.map((side) => side.box), said);
  select.hidden = true;
  select.after(both);
  const label = select.labels[0];
  if (label) { label.removeAttribute("for"); both.setAttribute("role", "group"); both.setAttribute("aria-label", label.textContent.trim()); }
  select.form?.addEventListener("reset", () => setTimeout(draw));
  draw();
});
