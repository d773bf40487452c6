// Bundles GraphiQL into ../ (graphiql.js, graphiql.css, licences.txt): npm ci && npm run build
import { readFile, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = path.dirname(fileURLToPath(import.meta.url));
const out = path.dirname(here);

const withoutFonts = {
  name: "without-fonts",
  setup(build) {
    build.onLoad({ filter: /graphiql[\\/]dist[\\/]style\.css$/ }, async (file) => {
      const css = await readFile(file.path, "utf8");
      return { contents: css.replace(/@font-face\s*\{[^}]*\}/g, ""), loader: "css" };
    });
  },
};

const { metafile } = await esbuild.build({
  absWorkingDir: here,
  entryPoints: { graphiql: "page.jsx" },
  outdir: out,
  bundle: true,
  minify: true,
  format: "esm",
  // Constructed style sheets, which style-singleton.js needs, came with these.
  target: ["chrome109", "firefox115", "safari16.4"],
  jsx: "automatic",
  loader: { ".graphql": "text" },
  define: { "process.env.NODE_ENV": '"production"' },
  alias: { "react-style-singleton": path.join(here, "style-singleton.js") },
  legalComments: "none",
  metafile: true,
  plugins: [withoutFonts],
});

// Every package that has a file in the bundle, with its licence text.
const packages = new Set();
for (const input of Object.keys(metafile.inputs)) {
  const found = input.match(/^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//);
  if (found) packages.add(found[1]);
}
const texts = [];
for (const folder of [...packages].sort()) {
  const absolute = path.join(here, folder);
  const { name, version, license } = JSON.parse(await readFile(path.join(absolute, "package.json"), "utf8"));
  const file = (await readdir(absolute)).find((one) => /^licen[cs]e/i.test(one));
  const text = file ? await readFile(path.join(absolute, file), "utf8") : "(no licence file in the package)";
  texts.push(`${"=".repeat(100)}\n${name} ${version} (${license})\n${"=".repeat(100)}\n${text.trim()}\n`);
}
await writeFile(
  path.join(out, "licences.txt"),
  `graphiql.js and graphiql.css contain these packages.\n\n${texts.join("\n")}`.replace(/\r\n?/g, "\n"),
);
for (const [file, { bytes }] of Object.entries(metafile.outputs)) console.log(file, Math.round(bytes / 1024), "KiB");
console.log(packages.size, "packages");
