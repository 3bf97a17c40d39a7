// Gives the fields and marks of a freshly drawn part their behaviour. Safe to call twice on the same part.
import { Tooltip } from "@tabler/core/dist/js/tabler.esm.js";
import TomSelect from "tom-select/base";
import removeButton from "tom-select/dist/esm/plugins/remove_button/plugin.js";
import dropdownInput from "tom-select/dist/esm/plugins/dropdown_input/plugin.js";
import flatpickr from "flatpickr";
import { Polish } from "flatpickr/dist/l10n/pl.js";

TomSelect.define("remove_button", removeButton);
TomSelect.define("dropdown_input", dropdownInput);

const polish = document.documentElement.lang === "pl";
const SEARCH_FROM = 8; // shorter lists are read faster than searched
const enhancers = [];

/** Register fn(element) for everything that matches the selector, now and in parts that come later. */
export function whenever(selector, fn) {
  enhancers.push([selector, fn]);
}

export function enhance(root) {
  for (const [selector, fn] of enhancers) {
    if (root.matches?.(selector)) fn(root);
    root.querySelectorAll(selector).forEach(fn);
  }
}

function labelOf(element) {
  return element.getAttribute("aria-label") || element.labels?.[0]?.textContent.trim() || "";
}

/** What a select says when nothing in it matches; its own words would be English. */
function nothing() {
  const said = document.createElement("div");
  said.className = "no-results";
  said.textContent = document.body.dataset.noResults || "";
  return said;
}

/** The search of a select over REST: data-source answers {result: [{id, text}]} to ?q=words, which are not empty. */
function remote(element) {
  let found = new Set(); // the server has searched: nothing here looks at the words again
  return {
    valueField: "id", labelField: "text", loadThrottle: 250,
    score: () => (option) => Number(found.has(String(option.id))), // what is chosen stays an option, and is not found by other words
    load(words, done) {
      fetch(`${element.dataset.source}?q=${encodeURIComponent(words)}`, { headers: { Accept: "application/json" } })
        .then((answer) => (answer.ok ? answer.json() : { result: [] }))
        .then((data) => {
          if (words !== this.inputValue()) { delete this.loadedSearches[words]; done(); return; } // somebody has typed on
          found = new Set(data.result.map((each) => String(each.id)));
          this.clearOptions();
          done(data.result);
        }).catch(() => { delete this.loadedSearches[words]; done(); }); // typed once more, it is asked once more
    },
    shouldLoad: (words) => words !== "", allowEmptyOption: false,
  };
}

/** Opens the list when it is clicked or written to, as the browser's own selects do, and not because the focus came by. */
function openWhenMeant(made) {
  made.hook("instead", "onClick", () => { if (made.isOpen) made.blur(); else made.refreshOptions(); });
  // the search field lies in the closed list: the first letter opens it and has to arrive there
  made.control.addEventListener("keydown", (event) => {
    if (event.target === made.control_input || event.key.length > 1 || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " ") event.preventDefault();
    if (made.isOpen) made.control_input.focus(); else made.refreshOptions();
  });
}

whenever("select.my_select2, select[data-select], select.form-select[multiple]:not([data-plain])", (element) => {
  if (element.tomselect) return;
  const long = element.options.length > SEARCH_FROM || element.dataset.source;
  if (!element.multiple && !long) { element.classList.add("form-select"); return; }
  const name = labelOf(element); // Tom Select takes the label for itself
  const plugins = element.multiple ? { remove_button: { title: element.dataset.remove || "×" } } : long ? ["dropdown_input"] : [];
  const made = new TomSelect(element, {
    plugins, maxOptions: 500, hideSelected: element.multiple, closeAfterSelect: !element.multiple, allowEmptyOption: !element.multiple,
    openOnFocus: false, refreshThrottle: 0, // who types and presses Enter means what they typed, not what the list showed before
    placeholder: element.dataset.placeholder || "", render: { no_results: nothing }, ...(element.dataset.source ? remote(element) : {}),
  });
  made.on("dropdown_close", () => clearTimeout(made.refreshTimeout)); // or a quick Enter would be followed by opening it again
  openWhenMeant(made);
  made.control_input.setAttribute("aria-label", name);
  for (const told of ["aria-invalid", "aria-describedby"]) {
    if (element.hasAttribute(told)) made.focus_node.setAttribute(told, element.getAttribute(told));
  }
  element.setAttribute("aria-hidden", "true"); // it stays in the form behind what people see
});

const kinds = {
  datetime: { enableTime: true, dateFormat: "Y-m-d H:i" },
  date: { dateFormat: "Y-m-d" },
  time: { enableTime: true, noCalendar: true, dateFormat: "H:i" },
};

whenever("input[data-datetime], input[data-date], input[data-time], .appbuilder_datetime input, .appbuilder_date input", (element) => {
  if (element._flatpickr) return;
  const kind = element.closest(".appbuilder_datetime") ? "datetime" : element.closest(".appbuilder_date") ? "date"
    : Object.keys(kinds).find((each) => each in element.dataset);
  flatpickr(element, {
    time_24hr: true, allowInput: true, disableMobile: true, minuteIncrement: 5, ...kinds[kind],
    locale: polish ? Polish : { firstDayOfWeek: 1 },
  });
});

whenever("[data-color]", (element) => element.style.setProperty("--own", element.dataset.color));
whenever("[data-width]", (element) => { element.style.width = `${element.dataset.width}%`; });
whenever("[title].btn-icon, [data-bs-toggle=tooltip]", (element) => Tooltip.getOrCreateInstance(element, { delay: { show: 400, hide: 0 }, trigger: "hover" }));
whenever("time[datetime][data-relative]", relative);

const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const WORDS = new Intl.RelativeTimeFormat(document.documentElement.lang || "en", { numeric: "auto" });

/** "2 minutes ago" for what is not older than a week; the exact time stays in the title. */
function relative(element) {
  const seconds = (new Date(element.dateTime) - Date.now()) / 1000;
  if (Math.abs(seconds) > 7 * 86400) return;
  const [unit, size] = UNITS.find(([, each]) => Math.abs(seconds) >= each) || UNITS.at(-1);
  element.textContent = WORDS.format(Math.round(seconds / size), unit);
}
setInterval(() => document.querySelectorAll("time[data-relative]").forEach(relative), 30_000);
