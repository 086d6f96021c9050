import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/*
 * npm run sbom
 *
 * Prints the packages that Sequent runs with, as CycloneDX, from package-lock.json. `npm sbom --omit=dev` would leave out every package
 * that a development package needs too, such as tsx and zod. The packages that the pages are bundled from are development packages, but a
 * user runs their code: the packages that `src/web` imports, and the dependencies of these packages.
 *
 * Equal lock files give equal texts, so that a package can be built again and compared: no time is in it, and its serial number is its hash.
 */

const { status, stdout } = spawnSync('npm', ['sbom', '--package-lock-only', '--sbom-format=cyclonedx'], {
  cwd: new URL('..', import.meta.url),
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'inherit'],
  shell: process.platform === 'win32',
  env: { ...process.env, npm_config_omit: '' },
});
if (status !== 0) process.exit(status ?? 1);

const sbom = JSON.parse(stdout);
const isForDevelopment = ({ properties = [] }) =>
  properties.some(({ name, value }) => name === 'cdx:npm:package:development' && value === 'true');
const bundled = withDependencies(refsOfPages());
const components = sbom.components.filter((component) => !isForDevelopment(component) || bundled.has(component['bom-ref']));
const kept = new Set([sbom.metadata.component['bom-ref'], ...components.map((component) => component['bom-ref'])]);
const dependencies = sbom.dependencies
  .filter(({ ref }) => kept.has(ref))
  .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((each) => kept.has(each)) }));
const { timestamp, ...metadata } = sbom.metadata;
const content = { metadata, components, dependencies };
process.stdout.write(`${JSON.stringify({ ...sbom, serialNumber: `urn:uuid:${uuidOf(content)}`, ...content }, undefined, 1)}\n`);

/** A UUID of version 8 from the hash of a value. */
function uuidOf(value) {
  const hash = createHash('sha256').update(JSON.stringify(value)).digest('hex');
  return hash.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-8$3-8$4-$5');
}

/** The packages that the sources of the pages import. The folder `build` runs on the machine that builds them. */
function refsOfPages() {
  const web = fileURLToPath(new URL('../src/web/', import.meta.url));
  const files = readdirSync(web, { recursive: true, encoding: 'utf8' }).filter((file) => /^(?!build|dist).*\.tsx?$/.test(file));
  const texts = files.map((file) => readFileSync(web + file, 'utf8'));
  const names = texts.flatMap((text) => [...text.matchAll(/(?:from|import\(?) ?'((?:@[\w.-]+\/)?[a-z][\w.-]*)/g)].map(([, name]) => name));
  return sbom.components.filter(({ group, name }) => names.includes(group ? `${group}/${name}` : name)).map((one) => one['bom-ref']);
}

/** @param {string[]} refs */
function withDependencies(refs) {
  const needs = new Map(sbom.dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
  const found = new Set(refs);
  for (const ref of found) for (const next of needs.get(ref) ?? []) found.add(next);
  return found;
}
