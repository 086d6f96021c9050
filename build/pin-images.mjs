import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/*
 * npm run pin-images -- [folder]
 *
 * Pins the images that this repository names, but does not build, to the digests that their tags have in the registry now. Asks by
 * "docker buildx imagetools inspect", which downloads no image. Changes no file when a digest is missing.
 */

const folder = process.argv[2] ?? '.';
const FILES = ['Dockerfile', 'docker-compose.yml', 'deploy/cluster.compose.yml'];
/** `ARG NODE_IMAGE=<image>` and `image: <image>`; the image that this repository builds is left out. */
const NAMED = /^(ARG NODE_IMAGE=|\s*image: )(?!sequent:)([\w./-]+:[\w.-]+)(?:@sha256:[0-9a-f]{64})?$/gm;

/** @param {string} image */
function digestOf(image) {
  const args = ['buildx', 'imagetools', 'inspect', '--format', '{{.Manifest.Digest}}', image];
  const digest = execFileSync('docker', args, { encoding: 'utf8' }).trim();
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) throw new Error(`docker printed no digest of ${image}: ${digest}`);
  process.stdout.write(`${image}@${digest}\n`);
  return digest;
}

const digests = new Map();
const pinned = FILES.map((file) => {
  const text = readFileSync(join(folder, file), 'utf8').replaceAll(NAMED, (_, start, image) => {
    if (!digests.has(image)) digests.set(image, digestOf(image));
    return `${start}${image}@${digests.get(image)}`;
  });
  return { file, text };
});
for (const { file, text } of pinned) writeFileSync(join(folder, file), text);
