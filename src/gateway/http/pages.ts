import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync, gzipSync } from 'node:zlib';
import type { Hono } from 'hono';
import { every } from 'hono/combine';
import { etag } from 'hono/etag';
import { secureHeaders } from 'hono/secure-headers';
import { serveStatic } from 'hono/serve-static';
import type { Call, GatewayEnv } from '#src/gateway/ports.ts';
import { languageOfCall } from './language.ts';

/*
 * The web pages as `src/web/build` writes them: each file compressed by Brotli. They are decompressed, and compressed by gzip, when they are
 * read, which takes milliseconds, because the package must stay small. Hono's middleware selects the encoding, computes the ETag of the bytes that are
 * sent, and sets the security headers.
 *
 * The files are held in memory, and are read again after each build. Node's `serveStatic` would read the folder for every request: a page
 * would be missing while a build replaces the folder, and a quality value such as `gzip;q=1.0` would disable compression.
 */

/** The content of each file by its path below the folder, such as `/assets/main.js.br`. */
type Files = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

const builtInto = fileURLToPath(new URL('../../web/dist', import.meta.url));
/** The paths of pages. One document for each language serves all of them, and reads its data from `/api`, which authenticates the caller. */
const pages = [
  '/',
  '/login',
  '/invocations/*',
  '/functions',
  '/functions/*',
  '/schedules',
  '/batches',
  '/batches/*',
  '/dead-letters',
  '/system',
];
const CHINESE = '/index.zh-CN.html';
const unbuilt = 'The web pages are not built. Start Sequent with "npm start", or build them with "npm run pages".\n';

/** Allows the gateway's own files only: a value that a function returned can be shown, but never runs as a part of a page. */
const security = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'"],
    connectSrc: ["'self'"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
    requireTrustedTypesFor: ["'script'"],
    trustedTypes: ["'none'"],
  },
  referrerPolicy: 'same-origin',
  xFrameOptions: 'DENY',
  // The operator decides whether every name of the domain is reachable by HTTPS only.
  strictTransportSecurity: false,
});

/**
 * Serves the pages without authentication: they contain no secret. The returned function answers a browser's request for an unknown
 * page with the same document, whose script reports the unknown path.
 */
export function addPages(app: Hono<GatewayEnv>, folder: string = builtInto): (call: Call) => Promise<Response | undefined> {
  const filesOf = openFiles(folder);
  const getContent = async (path: string): Promise<Uint8Array<ArrayBuffer> | null> => filesOf().get(path) ?? null;
  const cachedAs = (caching: string, vary: string) => (_: string, call: Call) => {
    call.header('Cache-Control', caching);
    call.header('Vary', vary);
  };
  const documentAt = (path: string) =>
    serveStatic<GatewayEnv>({
      root: '',
      path,
      precompressed: true,
      getContent,
      onFound: cachedAs('no-cache', 'Accept-Encoding, Accept-Language'),
    });
  const english = documentAt('/index.html');
  const chinese = documentAt(CHINESE);
  const document = every(security, etag(), (call: Call, next) =>
    (languageOfCall(call) === 'zh-CN' && filesOf().has(CHINESE) ? chinese : english)(call, next),
  );

  // The name of an asset changes with its content.
  const onFound = cachedAs('public, max-age=31536000, immutable', 'Accept-Encoding');
  app.get('/assets/*', etag(), serveStatic<GatewayEnv>({ root: '', precompressed: true, getContent, onFound }));
  for (const path of pages) app.get(path, document, (call) => call.text(unbuilt, 503));
  return async (call) => {
    if (!isNavigation(call)) return undefined;
    call.status(404);
    await document(call, async () => {});
    return call.finalized ? call.res : undefined;
  };
}

function isNavigation({ req }: Call): boolean {
  return req.method === 'GET' && !/^\/(?:api|v\d+|assets)\//.test(req.path) && (req.header('accept') ?? '').includes('text/html');
}

/** Reads all files once, and again after each build. */
function openFiles(folder: string): () => Files {
  let files: Files = new Map();
  let builtAt = 0;
  return () => {
    const now = statSync(join(folder, 'built'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (now !== builtAt && now !== 0) {
      files = readFiles(folder);
      builtAt = now;
    }
    return files;
  };
}

function readFiles(folder: string): Files {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map(({ parentPath, name }) => join(parentPath, name));
  const content = new Map(paths.map((path) => [`/${relative(folder, path).split(sep).join('/')}`, new Uint8Array(readFileSync(path))]));
  for (const [path, bytes] of [...content]) {
    if (!path.endsWith('.br')) continue;
    const plain = new Uint8Array(brotliDecompressSync(bytes));
    content.set(path.slice(0, -'.br'.length), plain).set(`${path.slice(0, -'.br'.length)}.gz`, new Uint8Array(gzipSync(plain)));
  }
  return content;
}
