import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';
import { build, type Plugin } from 'vite';
import { deliveryMachine } from '#machines/delivery.ts';
import { invocationMachine } from '#machines/invocation.ts';
import { drawMachine } from './draw-machine.ts';
import { inOrder } from './in-order.ts';

/** Builds the pages into `src/web/dist`, each file compressed by Brotli. The gateway has what other encodings need from that (`pages.ts`). */

const root = fileURLToPath(new URL('..', import.meta.url));
const distDir = join(root, 'dist');
/** A folder of this process. Processes may build at the same time, and `dist` is only ever replaced as a whole. */
const outDir = join(root, `dist-${process.pid}`);
const LICENSES = 'third-party-licenses.md';
const MACHINES = 'virtual:machines';

/** Serves the drawings of the machines as a virtual module. */
function machines(): Plugin {
  return {
    name: 'sequent-machines',
    resolveId: (id) => (id === MACHINES ? `\0${MACHINES}` : undefined),
    async load(id) {
      if (id !== `\0${MACHINES}`) return undefined;
      const [invocation, delivery] = await Promise.all([drawMachine(invocationMachine), drawMachine(deliveryMachine)]);
      return `export const invocation = ${JSON.stringify(invocation)};\nexport const delivery = ${JSON.stringify(delivery)};`;
    },
  };
}

async function compress(file: string): Promise<void> {
  const content = await readFile(file);
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
  await writeFile(`${file}.br`, await promisify(brotliCompress)(content, { params }));
  await rm(file);
}

/** The document of a browser that prefers Chinese: the same, but its language is Chinese, and its texts are loaded at once. */
async function writeChineseDocument(): Promise<void> {
  const document = await readFile(join(outDir, 'index.html'), 'utf8');
  const texts = (await readdir(join(outDir, 'assets'))).find((name) => /^zh-cn-.*\.js$/.test(name));
  const preload = `<link rel="modulepreload" crossorigin href="/assets/${texts}">`;
  const chinese = document
    .replace('<html lang="en">', '<html lang="zh-CN">')
    .replace('</head>', `  ${preload}\n  </head>`)
    .replace(/<noscript>.*<\/noscript>/s, `<noscript>${noScript}</noscript>`);
  await writeFile(join(outDir, 'index.zh-CN.html'), chinese);
}

const noScript = 'Sequent 的页面需要 JavaScript。命令 <code>sequent ls</code> 和 <code>sequent timeline</code> 会输出同样的内容。';

await build({
  configFile: false,
  root,
  base: '/',
  logLevel: 'warn',
  publicDir: false,
  plugins: [inOrder(join(root, 'index.html')), machines()],
  // With NODE_ENV=test, Vite would write the paths of the sources into the pages.
  esbuild: { jsx: 'automatic', jsxDev: false, jsxImportSource: 'preact', legalComments: 'none' },
  build: {
    outDir,
    target: 'es2022',
    // The Content-Security-Policy allows no inline script, and every supported browser has module preload.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    // The licences of the packages that the pages contain, which the package of Sequent must hold.
    license: { fileName: LICENSES },
    rollupOptions: { output: { entryFileNames: 'assets/[name]-[hash].js' } },
  },
});
await writeChineseDocument();
for (const entry of await readdir(outDir, { recursive: true, withFileTypes: true })) {
  if (entry.isFile() && entry.name !== LICENSES) await compress(join(entry.parentPath, entry.name));
}
// Written last: the gateway takes the pages as built only when this file exists.
await writeFile(join(outDir, 'built'), '');
await rm(distDir, { recursive: true, force: true });
await rename(outDir, distDir).catch(async (error: NodeJS.ErrnoException) => {
  await rm(outDir, { recursive: true, force: true });
  // Another process has put the same files there.
  if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
});
