// Leaves out of Tabler's styles what no page of ours can carry: every page waits for them, and they are made for all pages there are.
import postcss from "postcss";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const WORD = /[A-Za-z][\w-]*/g;
// how a name begins that is put together: chip-{{ look }} in a template, f"is-{state}", "row-" + kind, `step-${number}`
const BEGINNING = /[\s"'`]([a-z][\w-]*-)(?=\{|\$\{|["'`] ?[~+])/g;
const CLASS = /\.([A-Za-z](?:\\.|[\w-])*)/g;
const IN_BRACKETS = /\((?:[^()]|\([^()]*\))*\)/g;

/** The texts in which the name of a class can stand: templates, the code that makes fields and chips, and our scripts. */
export function sources(folder) {
  const names = readdirSync(folder, { recursive: true }).filter((name) => /\.(html|py|js)$/.test(name) && !name.startsWith("static"));
  return names.map((name) => readFileSync(join(folder, name), "utf8"));
}

/** The styles without the selectors that need a class which none of the texts names. ours: texts of ours, in which a name may be put together. */
export function used(css, ours, others) {
  const words = new Set([...ours, ...others].flatMap((text) => text.match(WORD) ?? []));
  const beginnings = [...new Set(ours.flatMap((text) => [...text.matchAll(BEGINNING)].map((found) => found[1])))];
  const isNamed = (name) => words.has(name) || beginnings.some((beginning) => name.startsWith(beginning));
  // what stands in brackets is a choice or a denial: :is(.a, .b), :not(.c)
  const isUsed = (selector) => [...selector.replace(IN_BRACKETS, "").matchAll(CLASS)].every(([, name]) => isNamed(name.replaceAll("\\", "")));

  const root = postcss.parse(css);
  root.walkRules((rule) => {
    if (rule.parent.type === "atrule" && /keyframes$/.test(rule.parent.name)) return;
    const kept = rule.selectors.filter(isUsed);
    if (kept.length) rule.selectors = kept;
    else rule.remove();
  });
  root.walkAtRules(/^(media|supports)$/, (rule) => {
    if (!rule.nodes.length) rule.remove();
  });
  return root.toString();
}
