// Builds ../static/vendor: two bundles, one icon sprite, the font, and the licence of everything that is in them.
import { build } from 'esbuild';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';

const out = '../static/vendor';
rmSync(out, { recursive: true, force: true });
mkdirSync(`${out}/licences`, { recursive: true });

const result = await build({
  entryPoints: { charts: 'charts.js', 'rule-editor': 'rule-editor.js' },
  bundle: true, minify: true, format: 'iife', target: 'es2021', outdir: out, metafile: true, legalComments: 'none',
});

const icons = [...new Set(readFileSync('icons.txt', 'utf8').split(/\s+/).filter(Boolean))].sort();
const symbols = icons.map(name => {
  const svg = readFileSync(`node_modules/lucide-static/icons/${name}.svg`, 'utf8');
  const body = svg.slice(svg.indexOf('>', svg.indexOf('<svg')) + 1, svg.lastIndexOf('</svg>')).replace(/\s*\n\s*/g, '');
  return `<symbol id="${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round">${body}</symbol>`;
});
writeFileSync(`${out}/icons.svg`, `<svg xmlns="http://www.w3.org/2000/svg">\n${symbols.join('\n')}\n</svg>\n`);

for (const part of ['latin', 'latin-ext'])
  copyFileSync(`node_modules/@fontsource-variable/inter/files/inter-${part}-wght-normal.woff2`, `${out}/inter-${part}.woff2`);

const used = new Set(['@fontsource-variable/inter', 'lucide-static']);
for (const file of Object.keys(result.metafile.inputs)) {
  const found = file.match(/node_modules\/((?:@[^/]+\/)?[^/]+)/);
  if (found) used.add(found[1]);
}
const rows = [...used].sort().map(name => {
  const folder = `node_modules/${name}`, about = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
  const licence = readdirSync(folder).find(file => /^licen[cs]e/i.test(file));
  if (!licence || !existsSync(`${folder}/${licence}`)) throw new Error(`${name} has no licence file`);
  copyFileSync(`${folder}/${licence}`, `${out}/licences/${name.replace('@', '').replace('/', '-')}.txt`);
  return `| ${name} | ${about.version} | ${about.license} |`;
});
writeFileSync(`${out}/README.md`, `# Files of other people

Built by \`connector/admin/frontend\` (\`npm ci && node build.mjs\`); never edited by hand. Licence texts: \`licences/\`.

| package | version | licence |
| --- | --- | --- |
${rows.join('\n')}
`);
