import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';

/** The files under the folders that hold the secret, as text, in hex or in base64. Archived segments are decompressed. */
export async function filesWith(secret: string, ...roots: string[]): Promise<string[]> {
  const forms = formsOf(secret);
  const found: string[] = [];
  for (const root of roots) {
    for (const path of await filesIn(root)) {
      const content = contentOf(path, await readFile(path).catch(emptyWhenMissing));
      if (forms.some((form) => content.includes(form))) found.push(path.slice(root.length));
    }
  }
  return found;
}

/** All files below a folder. A purge of nats-server removes folders while they are read. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return [];
  });
  const nested = entries.map((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesIn(path) : [path];
  });
  return (await Promise.all(nested)).flat();
}

/** Base64 has three forms, by the position of the secret in the encoded text. The characters that depend on its neighbours are cut off. */
function formsOf(secret: string): string[] {
  const base64 = [0, 1, 2].map((before) => {
    const encoded = Buffer.from(' '.repeat(before) + secret)
      .toString('base64')
      .replaceAll('=', '');
    return encoded.slice(before === 0 ? 0 : before + 1, -1);
  });
  return [secret, Buffer.from(secret).toString('hex'), ...base64];
}

function contentOf(path: string, bytes: Buffer): Buffer {
  return path.endsWith('.seg') ? brotliDecompressSync(bytes.subarray(bytes.indexOf(0x0a) + 1)) : bytes;
}

/** A closing database removes its journal between the listing and the read. */
function emptyWhenMissing(error: NodeJS.ErrnoException): Buffer {
  if (error.code !== 'ENOENT') throw error;
  return Buffer.alloc(0);
}
