import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { messageOf } from '#src/core/errors.ts';
import type { GlobalOptions } from '../../call.ts';
import { exitCodes, usageProblem } from '../../problem.ts';
import { type GatewayRequest, type Input, option } from './tools.ts';

/** What an agent gets of a tool. */
export type Answer = { text: string; isError: boolean };

/** A tool may take so long, and answer with so much. */
const MAX_MS = 120_000;
const MAX_BYTES = 16 * 1_048_576;

type Gateway = { url: string; token: string | undefined };

/** The gateway of `--http`; `undefined` without it. Throws when its settings cannot be used. */
export function gatewayOf(
  { http, tokenFile }: { http?: string; tokenFile?: string },
  env: Readonly<Record<string, string | undefined>>,
): Gateway | undefined {
  if (http === undefined && tokenFile !== undefined)
    throw usageProblem('a setting is not valid', '--token-file is for --http', '--http <url>');
  if (http === undefined) return undefined;
  const { protocol = '', username = '', search = '' } = URL.canParse(http) ? new URL(http) : {};
  // `fetch` would refuse a name and a password, and say them to the agent.
  if (!/^https?:$/.test(protocol) || username !== '' || search !== '')
    throw usageProblem(
      'a setting is not valid',
      '--http must be the URL of a gateway alone',
      '--http https://sequent.example --token-file <file>',
    );
  return { url: http.replace(/\/*$/, ''), token: tokenFile === undefined ? env.SEQUENT_TOKEN : readFileSync(tokenFile, 'utf8').trim() };
}

/** Asks a gateway. A rehearsal reads what the change would change. */
export async function askGateway(
  { url, token }: Gateway,
  { path, query = {}, change }: GatewayRequest,
  isRehearsal: boolean,
): Promise<Answer> {
  const isChange = change !== undefined && !isRehearsal;
  const target = `${url}${path}${isChange ? `/${change}` : ''}?${searchOf(query)}`;
  const headers = { accept: 'application/json', ...(token === undefined ? {} : { 'x-auth-token': token }) };
  try {
    // A redirect would take the token elsewhere.
    const init = { method: isChange ? 'POST' : 'GET', headers, redirect: 'error', signal: AbortSignal.timeout(MAX_MS) } as const;
    const response = await fetch(target, init);
    const text = await startOf(response);
    const told = change !== undefined && isRehearsal && response.ok ? `would ${change}, when it is confirmed:\n${text}` : text;
    return { text: told, isError: !response.ok };
  } catch (error) {
    return { text: `${messageOf(error)}: ${messageOf((error as Error).cause ?? '')}`, isError: true };
  }
}

function searchOf(query: Input): string {
  const given = Object.entries(query).flatMap(([name, value]): [string, string][] => (value === undefined ? [] : [[name, String(value)]]));
  return new URLSearchParams(given).toString();
}

async function startOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_BYTES) break;
  }
  return Buffer.concat(chunks).toString();
}

/**
 * Runs a command in a process of its own, and returns what it printed. The settings of the connection are those of `sequent mcp`. A command in this
 * process could write to stdout, which belongs to the protocol.
 */
export async function runCommand(words: readonly string[], options: GlobalOptions): Promise<Answer> {
  const args = [...process.execArgv, process.argv[1] ?? '', '--output=json', ...connectionOf(options), ...words];
  const limits = { timeout: MAX_MS, maxBuffer: MAX_BYTES, encoding: 'utf8' } as const;
  const { code, text } = await new Promise<{ code: number; text: string }>((resolve) => {
    const child = execFile(process.execPath, args, limits, (error, stdout, stderr) => {
      const ended = typeof child.exitCode === 'number' ? '' : `${messageOf(error)}\n`;
      resolve({ code: child.exitCode ?? exitCodes.timedOut, text: ended + stdout + stderr });
    });
    child.stdin?.end();
  });
  return { text, isError: !answers.has(code) };
}

/** `doctor` with problems and a rehearsal with differences are answers, too. */
const answers: ReadonlySet<number> = new Set([exitCodes.ok, exitCodes.failed, exitCodes.differences]);

const CONNECTION = ['server', 'context', 'data', 'nkey', 'tlsca', 'tlscert', 'tlskey', 'domain', 'inboxPrefix'] as const;

function connectionOf(options: GlobalOptions): string[] {
  const named = CONNECTION.flatMap((key) => option(key === 'inboxPrefix' ? 'inbox-prefix' : key, options[key]));
  return options.tlsfirst ? [...named, '--tlsfirst'] : named;
}
