import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/** The addresses of all pages of a built site, such as `/zh/flow`. */
export const pagesOf = (site: string): string[] =>
  readdirSync(site, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.html') && !path.startsWith('source/') && path !== '404.html')
    .map((path) => `/${path.replace(/(?:^|(?<=\/))index\.html$/, '').replace(/\.html$/, '')}`);

/** Each link of a page, whether to a page, a file or a heading, that leads nowhere in the built site. */
export function deadLinksOf(site: string, page: string): string[] {
  const html = htmlOf(site, page) ?? '';
  const links = [...html.matchAll(/<(?:a|link|img|script)\b[^>]*?\b(?:href|src)="([^"]*)"/g)].map(([, link = '']) =>
    link.replaceAll('&amp;', '&'),
  );
  return [...new Set(links)].filter((link) => !/^(?:[a-z]+:|\/\/)/i.test(link) && !leadsSomewhere(site, page, link));
}

function leadsSomewhere(site: string, page: string, link: string): boolean {
  const [path = '', anchor = ''] = link.split('#').map(decodeURIComponent);
  const target = path === '' ? page : posix.resolve(page.endsWith('/') ? page : posix.dirname(page), path.replace(/\?.*/, ''));
  if (anchor === '') return htmlOf(site, target) !== undefined || existsSync(join(site, target));
  return htmlOf(site, target)?.includes(` id="${anchor}"`) === true;
}

function htmlOf(site: string, page: string): string | undefined {
  const file = [`${page}.html`, join(page, 'index.html'), page]
    .map((name) => join(site, name))
    .find((name) => name.endsWith('.html') && existsSync(name));
  return file === undefined ? undefined : readFileSync(file, 'utf8');
}
