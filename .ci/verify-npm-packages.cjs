// Fails, with one line that names the first package, unless node_modules of this folder has all that package-lock.json wants on
// this machine, in its versions.
const { existsSync, readFileSync } = require('node:fs');

const read = (path) => JSON.parse(readFileSync(path, 'utf8'));
const suits = (wanted, value) => !wanted || wanted.includes(value);

for (const [path, { version, os, cpu, libc }] of Object.entries(read('package-lock.json').packages)) {
  if (path === '' || !suits(os, process.platform) || !suits(cpu, process.arch) || !suits(libc, 'glibc')) continue;
  const found = existsSync(`${path}/package.json`) ? read(`${path}/package.json`).version : 'missing';
  if (found !== version) {
    console.error(`${path} is ${found}, wanted is ${version}`);
    process.exit(1);
  }
}
