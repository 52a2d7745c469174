// Builds the adapters for editors into lib/, modules that leave the libraries of the editors to the app; and the demo
// page into dist/, which the bridge serves at / (--demo-dir). Every address in it is relative and
// every script and style is a file of its own, so that the page works below any path and under a strict
// Content-Security-Policy. The names of files in assets/ change with what is in them.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

process.chdir(fileURLToPath(new URL('.', import.meta.url)));
for (const folder of ['dist', 'lib']) await rm(folder, { recursive: true, force: true });
await mkdir('dist');

await build({
  entryPoints: ['src/collaboration/*.ts'],
  outdir: 'lib',
  bundle: true,
  splitting: true,
  packages: 'external',
  format: 'esm',
  target: 'es2022',
});

const { metafile } = await build({
  entryPoints: ['src/demo/main.ts', 'src/demo/style.css', 'src/demo/icon.svg'],
  outdir: 'dist/assets',
  entryNames: '[name]-[hash]',
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  loader: { '.svg': 'copy' },
  metafile: true,
});

// index.html names the sources; what is built from them takes their place.
let page = await readFile('index.html', 'utf8');
for (const [file, { entryPoint }] of Object.entries(metafile.outputs)) {
  page = page.replace(`./${entryPoint}`, `./${relative('dist', file)}`);
}
await writeFile('dist/index.html', page);
