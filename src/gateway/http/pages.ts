import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Hono } from 'hono';
import type { Call, GatewayEnv } from '#src/gateway/ports.ts';

/** The web pages as `src/web/build` writes them: each file plain, compressed by Brotli and compressed by gzip. */

type Encoding = 'br' | 'gzip' | 'identity';
type Asset = { contentType: string; etag: string; bodies: Record<Encoding, Uint8Array<ArrayBuffer>> };

const builtInto = fileURLToPath(new URL('../../web/dist', import.meta.url));
/** The paths of pages. One document serves all of them, and reads its data from `/api`, which authenticates the caller. */
const pages = ['/', '/login', '/invocations/*', '/functions', '/functions/*', '/dead-letters', '/system'];

/** Allows the gateway's own files only: a value that a function returned can be shown, but never runs as a part of a page. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const contentTypes: Readonly<Record<string, string | undefined>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

/**
 * Serves the pages without authentication: they contain no secret. The returned function answers a browser's request for an unknown
 * page with the same document, whose script reports the unknown path.
 */
export function addPages(app: Hono<GatewayEnv>, folder: string = builtInto): (call: Call) => Response | undefined {
  const assetsOf = openAssets(folder);

  function page(call: Call, status: 200 | 404): Response | undefined {
    const document = assetsOf().get('index.html');
    if (document === undefined) return undefined;
    call.header('Content-Security-Policy', policy);
    call.header('Referrer-Policy', 'same-origin');
    call.header('Cross-Origin-Opener-Policy', 'same-origin');
    return reply(call, document, { caching: 'no-cache', status });
  }

  app.get('/assets/*', (call) => {
    const asset = assetsOf().get(call.req.path.slice(1));
    if (asset === undefined) return call.notFound();
    // The name of an asset changes with its content.
    return reply(call, asset, { caching: 'public, max-age=31536000, immutable', status: 200 });
  });
  const unbuilt = 'The web pages are not built. Start Sequent with "npm start", or build them with "npm run pages".\n';
  for (const path of pages) app.get(path, (call) => page(call, 200) ?? call.text(unbuilt, 503));
  return (call) => (isNavigation(call) ? page(call, 404) : undefined);
}

function isNavigation({ req }: Call): boolean {
  return req.method === 'GET' && !/^\/(?:api|v\d+|assets)\//.test(req.path) && (req.header('accept') ?? '').includes('text/html');
}

/** Reads all files once, and again after each build. */
function openAssets(folder: string): () => ReadonlyMap<string, Asset> {
  let assets = new Map<string, Asset>();
  let builtAt = 0;
  return () => {
    const now = statSync(join(folder, 'built'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (now !== builtAt && now !== 0) {
      assets = readAssets(folder);
      builtAt = now;
    }
    return assets;
  };
}

function readAssets(folder: string): Map<string, Asset> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map(({ parentPath, name }) => join(parentPath, name));
  return new Map(
    paths.flatMap((path): [string, Asset][] => {
      const contentType = contentTypes[path.slice(path.lastIndexOf('.') + 1)];
      if (contentType === undefined) return [];
      const identity = new Uint8Array(readFileSync(path));
      const bodies = { identity, br: new Uint8Array(readFileSync(`${path}.br`)), gzip: new Uint8Array(readFileSync(`${path}.gz`)) };
      const etag = createHash('sha256').update(identity).digest('hex').slice(0, 20);
      return [[relative(folder, path).split(sep).join('/'), { contentType, etag, bodies }]];
    }),
  );
}

type Reply = { caching: string; status: 200 | 404 };

function reply(call: Call, { contentType, etag, bodies }: Asset, { caching, status }: Reply): Response {
  const encoding = encodingFor(call.req.header('accept-encoding') ?? '');
  // One document in two encodings is two representations.
  const tag = `"${etag}-${encoding}"`;
  call.header('Cache-Control', caching);
  call.header('Vary', 'Accept-Encoding');
  call.header('ETag', tag);
  if (call.req.header('if-none-match') === tag) return call.body(null, 304);
  call.header('Content-Type', contentType);
  if (encoding !== 'identity') call.header('Content-Encoding', encoding);
  return call.body(bodies[encoding], status);
}

function encodingFor(accepted: string): Encoding {
  const names = accepted.split(',').filter((entry) => !/;\s*q=0(?:\.0*)?\s*$/.test(entry));
  const accepts = (name: string): boolean => names.some((entry) => entry.split(';')[0]?.trim() === name);
  return accepts('br') ? 'br' : accepts('gzip') ? 'gzip' : 'identity';
}
