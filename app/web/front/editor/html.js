// Fields and HTML between the text that is sent and the editor's own model. Nothing here touches the page.

const FIELD = /\{\{(?:\s*"[^"]*"|\s*'[^']*'|[^}"'])*?(?:\|[^}]*?(?:"[^"]*"|'[^']*')\s*)?\}\}/g;
const TAG = /<!--[\s\S]*?-->|<\/?[a-zA-Z](?:"[^"]*"|'[^']*'|[^>"'])*>/g;
const OPEN = "\uE000", CLOSE = "\uE001"; // around the number of a field, while tags are read
const PLACE = /\uE000(\d+)\uE001/g;

// The page's policy forbids style attributes wherever HTML is parsed, in a document that nobody sees too. While the editor
// reads and writes HTML they have another name.
export const STYLE = "data-own-style";
const renamed = (tag, from, to) => tag.replace(new RegExp(`("[^"]*"|'[^']*')|(\\s)${from}(?=\\s*=)`, "gi"), (all, quoted, blank) => (quoted ? all : blank + to));
const SHEET = /<style[\s>][\s\S]*?<\/style\s*>/gi; // a document with one is opened only by those who agree to lose it
export const withoutStyle = (html) => html.replace(SHEET, "").replace(TAG, (tag) => renamed(tag, "style", STYLE));
export const withStyle = (html) => html.replace(TAG, (tag) => renamed(tag, STYLE, "style"));

const inQuotes = (text) => text.replaceAll('"', "&quot;");
const decoded = (text) => text.replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&nbsp;", " ");

/** HTML as it is written -> HTML in which a field between tags is an element, and one inside a tag is quoted. */
export function toEditor(html) {
  const fields = [];
  const marked = html.replace(FIELD, (field) => `${OPEN}${fields.push(field) - 1}${CLOSE}`);
  const inTags = marked.replace(TAG, (tag) => tag.replace(PLACE, (_all, number) => inQuotes(decoded(fields[number]))));
  return inTags.replace(PLACE, (_all, number) => `<merge-field data-merge="${inQuotes(decoded(fields[number]))}">field</merge-field>`);
}

/** The way back. */
export function fromEditor(html) {
  return html.replace(/<merge-field data-merge="([^"]*)">[^<]*<\/merge-field>/g, (_all, field) => decoded(field)).replace(/ data-list-item-id="\w+"/g, "");
}

/** The field's name and what stands in for it: {name, fallback}; null for what is no field. */
export function readField(source) {
  const found = /^\{\{\s*([\w.]+)\s*(?:\|\s*default\s*:\s*("([^"]*)"|'([^']*)')\s*)?\}\}$/.exec(source);
  return found && { name: found[1], fallback: found[3] ?? found[4] ?? "" };
}

export function writeField(name, fallback) {
  const text = fallback.replace(/[{}]/g, "").replace(/\s+/g, " ").trim();
  const quote = text.includes('"') ? "'" : '"';
  return text ? `{{ ${name} | default: ${quote}${quote === "'" ? text.replaceAll("'", "’") : text}${quote} }}` : `{{ ${name} }}`;
}

const SAME = { B: "STRONG", I: "EM", STRIKE: "S", DEL: "S" };
const EMPTY = new Set(["TBODY", "COLGROUP", "COL"]);
const OF_THE_EDITOR = /^(table|image_resized)$/; // classes that it gives

/** What HTML says, in a form in which two texts that say the same are equal. */
function essence(html) {
  const page = new DOMParser().parseFromString(withoutStyle(html.replace(FIELD, (field) => inQuotes(decoded(field)))), "text/html");
  const told = [];
  (function walk(node) {
    for (const each of node.childNodes) {
      if (each.nodeType === 8) told.push(`<!--${each.data}-->`);
      else if (each.nodeType === 3) { const text = each.data.replace(/[\s\u00a0]+/g, " ").trim(); if (text) told.push(text); }
      else if (EMPTY.has(each.tagName)) walk(each);
      else {
        const attributes = [...each.attributes].map((attribute) => [attribute.name, attribute.value]).filter(([name, value]) => value !== "" && !(name === "class" && OF_THE_EDITOR.test(value)))
          .map(([name, value]) => `${name}=${name === STYLE ? value.replace(/\s+/g, "").split(";").filter(Boolean).sort().join(";") : value.trim()}`).sort();
        told.push(`<${SAME[each.tagName] || each.tagName} ${attributes.join(" ")}>`);
        walk(each);
        told.push("/");
      }
    }
  })(page.body);
  return told.join("\n");
}

/** Whether this is a whole document, or has parts that the editor has no place for. */
export function isDocument(html) {
  return /<!doctype|<html[\s>]|<head[\s>]|<body[\s>]|<style[\s>]|<!--\s*\[if|<!\[/i.test(html);
}

export const saysTheSame = (one, other) => essence(one) === essence(other);
