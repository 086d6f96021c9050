import { build } from 'esbuild';

/**
 * The program that checks the modules of one upload. Hostile text may end the compiler or take all memory that it gets, so each upload has a
 * process of its own, with limits (`check-code.ts`).
 *
 * It reads `[{ path, loader, text, exports }]` from stdin, and writes the issues to stdout.
 */

/** Longer texts of an issue are cut: a message of the compiler quotes the code. */
const MAX_DETAIL = 2_000;

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const issues = [];
for (const module of JSON.parse(Buffer.concat(chunks).toString())) issues.push(...(await check(module)));
process.stdout.write(JSON.stringify(issues), () => process.exit(0));

async function check({ path, loader, text, exports }) {
  try {
    const { metafile } = await build({
      stdin: { contents: text, loader, sourcefile: path },
      bundle: false,
      write: false,
      metafile: true,
      tsconfigRaw: '{}',
      logLevel: 'silent',
    });
    const [output] = Object.values(metafile.outputs);
    const isEsm = Object.values(metafile.inputs)[0]?.format === 'esm';
    return exports.filter((name) => !mayExport(name, { isEsm, text, known: output?.exports ?? [] })).map((name) => missing(path, name));
  } catch (error) {
    if (!Array.isArray(error?.errors)) throw error;
    return error.errors.map(({ text: problem, location }) => ({
      pointer: '/files',
      detail: `${path}${location === null ? '' : `:${location.line}:${location.column + 1}`}: ${problem}`.slice(0, MAX_DETAIL),
    }));
  }
}

/** A CommonJS module sets its exports while it runs, so only a name that occurs nowhere in it is certainly missing. */
function mayExport(name, { isEsm, text, known }) {
  if (isEsm) return known.includes(name) || known.includes('default') || /\bexport\s*\*/.test(text);
  return /module\.exports\s*=\s*(?!\{)/.test(text) || new RegExp(`(?<![\\w$])${name.replaceAll('$', '\\$')}(?![\\w$])`).test(text);
}

function missing(path, name) {
  return { pointer: '/handler', detail: `${path} has no export "${name}"; write: export const ${name} = async (event, context) => …` };
}
