// The campaigns in a calendar: days, weeks and months, a list on phones; a start is moved by dragging or by its form.
import { Calendar } from "@fullcalendar/core";
import english from "@fullcalendar/core/locales/en-gb";
import polish from "@fullcalendar/core/locales/pl";
import dayGrid from "@fullcalendar/daygrid";
import interaction from "@fullcalendar/interaction";
import list from "@fullcalendar/list";
import timeGrid from "@fullcalendar/timegrid";

const box = document.getElementById("calendar");
const loads = document.getElementById("loads");
const dialog = document.getElementById("calendar-dialog");
const said = document.getElementById("calendar-said");
const KEPT = "muster-calendar"; // where the person was, for this tab
const FRESH_MS = 30_000;
const SAID_MS = 12_000;
const DAY_MS = 86_400_000;
const JSON_ONLY = { Accept: "application/json", "X-Requested-With": "fetch" };
const isSmall = matchMedia("(max-width: 767.98px)").matches;

function kept() {
  try { return JSON.parse(sessionStorage.getItem(KEPT)) || {}; } catch { return {}; }
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${box.dataset.icons}#${name}`);
  svg.append(use);
  return svg;
}

function element(tag, className, ...content) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...content);
  return made;
}

/** What the server answers as JSON; throws its sentence, or ours when there is no answer. */
async function answerOf(request, missing) {
  const answer = await request.catch(() => { throw new Error(missing); });
  const body = await answer.json().catch(() => { throw new Error(missing); });
  if (!answer.ok) throw new Error(body.message || missing);
  return body;
}

// --- what is shown

let isRead = false; // what is drawn for the first time is not drawn again while it comes

async function feed(info) {
  const address = new URL(box.dataset.feed, location.href);
  address.searchParams.set("from", info.start.toISOString());
  address.searchParams.set("until", info.end.toISOString());
  const found = await answerOf(fetch(address, { headers: JSON_ONLY }), box.dataset.unread);
  note(found.note);
  loads.innerHTML = found.loads;
  loads.querySelectorAll("[data-height]").forEach((bar) => { bar.style.height = `${bar.dataset.height}%`; });
  box.classList.toggle("has-weekends-off", found.are_weekends_off);
  isRead = true;
  const hasHours = info.end - info.start < 10 * DAY_MS;
  return [...found.events.map((each) => (hasHours ? aboveHours(each) : each)), ...found.days_off.flatMap(dayOff)];
}

/** What takes days lies above the hours, or it would fill whole columns. */
function aboveHours(each) {
  if (!each.end || new Date(each.end) - new Date(each.start) < DAY_MS) return each;
  const last = new Date(each.end);
  last.setDate(last.getDate() + 1); // the end of whole days is the day after
  return { ...each, begins: each.start, start: dayOf(new Date(each.start)), end: dayOf(last), allDay: true };
}

function dayOf(date) {
  return `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, "0")}-${String(date.getDate()).padStart(2, "0")}`;
}

/** Days with hours scroll in a place of their own; the others are as high as they need. */
function heightOf(view) {
  return view?.startsWith("timeGrid") ? 680 : "auto";
}

/** A day without work: behind the whole day in the months, behind its hours in weeks and days. */
function dayOff({ day, name }) {
  const next = new Date(`${day}T00:00`);
  next.setDate(next.getDate() + 1);
  const common = { title: name, display: "background", classNames: ["is-off"], isDayOff: true };
  return [{ ...common, start: day, allDay: true }, { ...common, start: `${day}T00:00`, end: next.toISOString() }];
}

function note(text) {
  const line = box.querySelector("[data-note]");
  line.textContent = text;
  line.hidden = !text;
}

/** An event: its state as an icon and for those who listen as a word, the time, and the name. */
function content({ event, timeText, view, isStart }) {
  const more = event.extendedProps;
  if (more.isDayOff) return { domNodes: view.type === "dayGridMonth" || event.allDay ? [element("span", "day-off", event.title)] : [] };
  const nodes = [icon(more.icon), element("span", "visually-hidden", `${more.status}: `), element("span", "event-name", event.title)];
  if (timeText && isStart && view.type === "dayGridMonth") nodes.splice(2, 0, element("span", "event-time", timeText));
  if (view.type.startsWith("list")) nodes.push(element("span", "quiet", more.status));
  return { domNodes: nodes };
}

const calendar = new Calendar(box.querySelector("[data-calendar]"), {
  plugins: [dayGrid, timeGrid, list, interaction],
  locales: [english, polish], locale: document.documentElement.lang === "pl" ? "pl" : "en-gb",
  initialView: kept().view || (isSmall ? "listMonth" : "dayGridMonth"), initialDate: kept().date,
  headerToolbar: false, height: heightOf(kept().view), nowIndicator: true, allDaySlot: true, scrollTime: "07:00:00",
  views: { timeGrid: { dayHeaderFormat: { weekday: "short", day: "numeric", month: "short" } } },
  dayMaxEvents: 4, lazyFetching: false, moreLinkContent: ({ num }) => `+${num} ${box.dataset.more}`, moreLinkClick: "day", navLinks: true,
  dayCellDidMount: ({ el }) => el.removeAttribute("aria-labelledby"), // a day is called by all that is in it
  moreLinkDidMount: ({ el }) => { el.setAttribute("role", "button"); el.removeAttribute("aria-controls"); },
  eventOrder: ["rank", "start", "title"], eventDisplay: "block", displayEventEnd: false, eventMinHeight: 24, slotEventOverlap: false, defaultTimedEventDuration: "00:30",
  eventTimeFormat: { hour: "2-digit", minute: "2-digit", hour12: false }, slotLabelFormat: { hour: "2-digit", minute: "2-digit", hour12: false },
  noEventsText: box.dataset.none, eventInteractive: true, editable: true, eventDurationEditable: false, eventStartEditable: false,
  progressiveEventRendering: false, longPressDelay: 350,
  events: (info, done, failed) => feed(info).then(done, (problem) => { note(problem.message); failed(problem); }),
  eventContent: content,
  eventDidMount: ({ event, el }) => {
    const more = event.extendedProps;
    el.title = more.isDayOff ? event.title : [event.title, more.status, ...more.times, ...more.facts, more.why].filter(Boolean).join("\n");
  },
  eventClick: ({ event, jsEvent }) => { jsEvent.preventDefault(); if (!event.extendedProps.isDayOff) tell(event); },
  eventAllow: (where, event) => calendar.view.type === "dayGridMonth" || where.allDay === event.allDay,
  dateClick: ({ date, allDay }) => { if (box.dataset.add) create(date, allDay); },
  eventDrop: move,
  datesSet: ({ view }) => {
    box.querySelector("[data-title]").textContent = view.title;
    box.querySelectorAll("[data-view]").forEach((each) => {
      const isHere = each.dataset.view === view.type;
      each.classList.toggle("active", isHere);
      each.setAttribute("aria-pressed", isHere);
    });
    sessionStorage.setItem(KEPT, JSON.stringify({ view: view.type, date: dayOf(calendar.getDate()) }));
  },
});

// --- an empty place: a new campaign that begins there

function create(date, isWholeDay) {
  const start = new Date(date);
  if (isWholeDay) start.setHours(9, 0);
  if (start <= new Date()) return;
  const address = new URL(box.dataset.add, location.href);
  address.searchParams.set("start_at", start.toISOString());
  location.assign(address);
}

// --- a campaign in short

function tell(event) {
  const more = event.extendedProps;
  const part = (name) => dialog.querySelector(`[data-${name}]`);
  part("channel").replaceChildren(icon(more.channel));
  part("name").textContent = event.title;
  part("chip").innerHTML = more.chip; // the server's own chip
  part("facts").replaceChildren(...[...more.times, ...more.facts].map((fact) => element("li", "", fact)));
  part("why").textContent = more.why;
  part("why").hidden = !more.why;
  part("open").href = more.address;
  part("report").href = more.report;
  part("move").hidden = !more.move;
  if (more.move) part("move").href = more.move; else part("move").removeAttribute("href");
  dialog.showModal();
}

dialog.addEventListener("click", (event) => {
  if (event.target === dialog || event.target.closest("[data-close], [data-move]")) dialog.close();
});

// --- moving

/** Ask as every button of the panel asks; resolves to whether the person said yes. */
function agree(question, verb) {
  const form = document.getElementById("calendar-move");
  return new Promise((resolve) => {
    let isAgreed = false;
    Object.assign(form.dataset, { confirm: question, verb });
    form.onsubmit = (event) => { event.preventDefault(); isAgreed = true; };
    // the question is closed first, and then the form is sent
    document.addEventListener("hidden.bs.modal", () => setTimeout(() => resolve(isAgreed)), { once: true });
    form.requestSubmit();
  });
}

function send(address, start, revision) {
  const data = new FormData(document.getElementById("calendar-move"));
  data.set("start", start.toISOString());
  data.set("revision", revision);
  return answerOf(fetch(address, { method: "POST", body: data, headers: JSON_ONLY }), box.dataset.failed);
}

/** A start that is moved by whole days keeps its time of day. */
function later(moment, days) {
  const found = new Date(moment);
  found.setDate(found.getDate() + days);
  return found;
}

async function move({ event, oldEvent, delta, revert }) {
  const more = event.extendedProps;
  const start = event.allDay ? later(more.begins, delta.days) : event.start;
  try {
    const address = new URL(more.question, location.href);
    address.searchParams.set("start", start.toISOString());
    const { question, verb } = await answerOf(fetch(address, { headers: JSON_ONLY }), box.dataset.failed);
    if (question && !(await agree(question, verb))) { revert(); return; }
    const answer = await send(more.drop, start, more.revision);
    const before = event.allDay ? new Date(more.begins) : oldEvent.start;
    const undo = more.is_dated && before > new Date() ? () => undoMove(more, before) : null;
    say(answer.said, undo);
    calendar.refetchEvents();
  } catch (problem) {
    revert();
    say(problem.message, null, true);
  }
}

async function undoMove(more, before) {
  try {
    const answer = await send(more.drop, before, more.revision + 1);
    say(answer.said);
  } catch (problem) { say(problem.message, null, true); }
  calendar.refetchEvents();
}

let hiding = 0;

function say(text, undo = null, isBad = false) {
  said.querySelector("[data-said]").textContent = text;
  said.classList.add("is-shown");
  said.classList.toggle("is-bad", isBad);
  const button = said.querySelector("[data-undo]");
  button.hidden = !undo;
  button.onclick = undo;
  hideSoon();
}

function hideSoon() {
  clearTimeout(hiding);
  hiding = setTimeout(() => said.classList.remove("is-shown"), SAID_MS);
}

said.addEventListener("click", (event) => { if (event.target.closest("[data-hide]")) said.classList.remove("is-shown"); });
for (const kind of ["pointerenter", "focusin"]) said.addEventListener(kind, () => clearTimeout(hiding));
for (const kind of ["pointerleave", "focusout"]) said.addEventListener(kind, hideSoon);

// --- the head

box.addEventListener("click", (event) => {
  const go = event.target.closest("[data-go]")?.dataset.go;
  if (go) calendar[go]();
  const view = event.target.closest("[data-view]")?.dataset.view;
  if (view) { calendar.setOption("height", heightOf(view)); calendar.changeView(view); }
});

// a filter that is pointed at applies at once
document.addEventListener("change", (event) => { if (event.target.matches("select[data-submits]")) event.target.form.requestSubmit(); });

calendar.render();
setInterval(() => {
  const isBusy = document.querySelector(".fc-event-dragging, .modal.show") || dialog.open;
  if (isRead && !document.hidden && !isBusy) calendar.refetchEvents();
}, FRESH_MS);
