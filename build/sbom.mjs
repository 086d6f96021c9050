import { spawnSync } from 'node:child_process';

/*
 * npm run sbom
 *
 * Prints the packages that Sequent runs with, as CycloneDX, from package-lock.json. `npm sbom --omit=dev` would leave out every package
 * that a development package needs too, such as tsx and zod.
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
const components = sbom.components.filter((component) => !isForDevelopment(component));
const kept = new Set([sbom.metadata.component['bom-ref'], ...components.map((component) => component['bom-ref'])]);
const dependencies = sbom.dependencies
  .filter(({ ref }) => kept.has(ref))
  .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((each) => kept.has(each)) }));
process.stdout.write(`${JSON.stringify({ ...sbom, components, dependencies }, undefined, 1)}\n`);
