import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** The most bytes that the first load of the home page may transfer. */
export const MAX_FIRST_LOAD = 200_000;

/** Transferred as they are, because they are compressed already. */
const compressed = /\.(?:png|jpg|webp|woff2)$/;

/** The bytes that a browser transfers for these files of the site, texts by gzip. */
export function transferOf(site: string, files: Iterable<string>): number {
  let sum = 0;
  for (const file of files) {
    const content = readFileSync(join(site, file));
    sum += compressed.test(file) ? content.length : gzipSync(content).length;
  }
  return sum;
}

/** The files that the document of a page names for its first load: itself, scripts, styles, fonts and pictures. */
export function firstFilesOf(site: string, page = 'index.html'): string[] {
  const document = readFileSync(join(site, page), 'utf8');
  const named = [...document.matchAll(/<(?:link|script|img)\b[^>]*?\b(?:href|src)="\/([^"]+\.\w+)"/g)].map(([, file = '']) => file);
  return [...new Set([page, ...named])];
}
