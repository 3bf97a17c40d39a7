// Bundles the front end into app/web/static/dist: files named by their content, compressed copies, a manifest, the icons.
import { build } from "esbuild";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { dirname, join, basename } from "node:path";
import { fileURLToPath } from "node:url";
import { sources, used } from "./used.mjs";

const front = dirname(fileURLToPath(import.meta.url));
const root = join(front, "../../..");
const dist = join(front, "../static/dist");
const icons = join(root, "node_modules/lucide-static/icons");

/** One SVG file with a symbol for each icon that icons.json names; says which name does not exist. */
function sprite() {
  const symbols = JSON.parse(readFileSync(join(front, "icons.json"), "utf8")).map((name) => {
    const svg = readFileSync(join(icons, `${name}.svg`), "utf8");
    const body = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>"));
    return `<symbol id="${name}" viewBox="0 0 24 24">${body.replace(/\s+/g, " ").trim()}</symbol>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>`;
}

/** FullCalendar without its font of icons, which no page of ours shows: Chromium loads it at once, from where the policy forbids. */
const withoutIconFont = {
  name: "without-icon-font",
  setup(builder) {
    builder.onLoad({ filter: /@fullcalendar\/core\/internal-common\.js$/ }, ({ path }) => {
      const contents = readFileSync(path, "utf8");
      const without = contents.replace(/@font-face\s*\{[^}]*fcicons[^}]*\}/, "");
      if (without === contents) throw new Error("FullCalendar has no font of icons any more: take withoutIconFont away.");
      return { contents: without, loader: "js" };
    });
  },
};

/** Tabler's styles as far as a page or a script names them. scripts: the texts of the built ones. */
const usedStyles = (scripts) => ({
  name: "used-styles",
  setup(builder) {
    builder.onLoad({ filter: /@tabler\/core\/dist\/css\/tabler\.css$/ }, ({ path }) => (
      { contents: used(readFileSync(path, "utf8"), sources(join(front, "..")), scripts), loader: "css" }
    ));
  },
});

mkdirSync(dist, { recursive: true });
const standing = join(dist, "manifest.json");
const before = existsSync(standing) ? Object.values(JSON.parse(readFileSync(standing, "utf8"))) : [];

// pages/*.js are loaded by the one page that needs them
const pages = existsSync(join(front, "pages")) ? readdirSync(join(front, "pages")).filter((name) => name.endsWith(".js")) : [];
const bundle = async (names, plugin) => (await build({
  absWorkingDir: root, entryPoints: names.map((name) => join(front, name)),
  entryNames: "[name]-[hash]", assetNames: "[name]-[hash]",
  outdir: dist, bundle: true, minify: true, format: "iife", target: "es2022", metafile: true,
  legalComments: "linked", logLevel: "warning",
  loader: { ".woff2": "file", ".svg": "dataurl" }, plugins: [plugin],
})).metafile.outputs;
const scripts = await bundle(["core.js", "theme.js", ...pages.map((name) => join("pages", name))], withoutIconFont);
const texts = Object.keys(scripts).filter((file) => file.endsWith(".js")).map((file) => readFileSync(join(root, file), "utf8"));
const outputs = { ...scripts, ...await bundle(["css/core.css", "css/public.css", "css/editor.css"], usedStyles(texts)) };

const manifest = {};
for (const [file, output] of Object.entries(outputs)) {
  if (output.entryPoint) manifest[basename(output.entryPoint)] = basename(file);
}
const drawn = sprite();
manifest["icons.svg"] = `icons-${createHash("sha256").update(drawn).digest("hex").slice(0, 8).toUpperCase()}.svg`;
writeFileSync(join(dist, manifest["icons.svg"]), drawn);

const made = new Set([...Object.keys(outputs).map((file) => basename(file)), manifest["icons.svg"]]);
for (const name of [...made].filter((each) => /\.(js|css|svg)$/.test(each))) {
  const bytes = readFileSync(join(dist, name));
  writeFileSync(join(dist, `${name}.gz`), gzipSync(bytes, { level: 9 }));
  writeFileSync(join(dist, `${name}.br`), brotliCompressSync(bytes));
}

// last, and at once: the manifest says that all is there. Files of the build before stay for processes that run with it.
writeFileSync(`${standing}.new`, JSON.stringify(manifest, null, 1));
renameSync(`${standing}.new`, standing);
const kept = new Set([...made, ...before, "manifest.json"]);
for (const name of readdirSync(dist)) {
  if (!kept.has(name.replace(/\.(gz|br)$/, "")) && !name.endsWith(".woff2")) rmSync(join(dist, name));
}
