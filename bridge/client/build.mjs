// Builds the package: modules in lib/, which leave other packages to the app, with their types; the same in one file each in
// standalone/; and the demo page in dist/, which the bridge serves at / (--demo-dir). Prints the sizes.
// Every address in the demo page is relative and every script and style is a file of its own, so that the page works below any
// path and under a strict Content-Security-Policy. The names of files in assets/ change with what is in them.
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const folder = fileURLToPath(new URL('.', import.meta.url));

const common = { absWorkingDir: folder, bundle: true, format: 'esm', target: 'es2022' };

/** Bytes of the entry core, of what the stores bring beyond it, and the elements beyond both; gzipped, without phoenix. */
export async function sizes() {
  const sizeOf = async (entry) => {
    const { outputFiles } = await build({ ...common, entryPoints: [`src/${entry}.ts`], minify: true, write: false, external: ['phoenix'] });
    return gzipSync(outputFiles[0].contents, { level: 9 }).length;
  };
  const [core, index, elements] = await Promise.all(['core/index', 'index', 'elements/index'].map(sizeOf));
  return { core, stores: index - core, elements: elements - index };
}

/** Imports say .js, as browsers and Node ask. */
async function makeModules() {
  await rm('lib', { recursive: true, force: true });
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '--project', 'tsconfig.package.json'], { stdio: 'inherit' });
  for (const file of await readdir('lib', { recursive: true })) {
    if (!/\.(js|d\.ts)$/.test(file)) continue;
    const path = join('lib', file);
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace(/((?:from|import) ['"]|import\(['"])(\.{1,2}\/[^'"]+?)(?<!\.js)(['"])/g, '$1$2.js$3'));
  }
}

async function makeStandalone() {
  await rm('standalone', { recursive: true, force: true });
  const entryPoints = ['src/standalone/pg-live.ts', 'src/standalone/pg-live-full.ts', 'src/core/beat_worker.ts'];
  await build({ ...common, entryPoints, entryNames: '[name]', outdir: 'standalone', minify: true });
}

async function makeDemo() {
  await rm('dist', { recursive: true, force: true });
  await mkdir('dist');
  const { metafile } = await build({
    ...common,
    entryPoints: ['src/demo/main.ts', 'src/demo/style.css', 'src/demo/icon.svg'],
    outdir: 'dist/assets',
    entryNames: '[name]-[hash]',
    minify: true,
    loader: { '.svg': 'copy' },
    metafile: true,
  });
  // The package looks for its worker beside the file that it is in.
  await build({ ...common, entryPoints: ['src/core/beat_worker.ts'], entryNames: '[name]', outdir: 'dist/assets', minify: true });
  // index.html names the sources; what is built from them takes their place.
  let page = await readFile('index.html', 'utf8');
  for (const [file, { entryPoint }] of Object.entries(metafile.outputs)) {
    page = page.replace(`./${entryPoint}`, `./${relative('dist', file)}`);
  }
  await writeFile('dist/index.html', page);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.chdir(folder);
  await makeModules();
  await makeStandalone();
  await makeDemo();
  console.log('bytes gzipped, without phoenix:', await sizes());
}
