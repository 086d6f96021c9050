import { fstatSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { MAX_PAYLOAD_BYTES } from '#machines/facts.ts';
import type { Terminal } from '#src/cli/print/terminal.ts';
import { usageProblem } from '#src/cli/problem.ts';
import { InvalidInputError, messageOf } from '#src/core/errors.ts';

const SAY_THAT_IT_WAITS_AFTER_MS = 1_000;

/**
 * The event of an invocation: what `-d` says, a file (`@path`), or stdin (`-`, or when something is piped in). Empty when
 * nothing is given.
 *
 * Throws when it is larger than a request may be (without reading on), or is no text.
 */
export async function readPayload(given: string | undefined, { err }: Terminal): Promise<string> {
  if (given === '-' || (given === undefined && isPiped())) return decode(await readStdin(err.line), 'stdin');
  if (given === undefined) return '';
  if (given.startsWith('@')) return decode(await readFileUpTo(given.slice(1)), given.slice(1));
  return given;
}

/** Reads all of stdin, of any size that a definition may have, as text. */
export async function readStdinText(say: (line: string) => void): Promise<string> {
  return decode(await readStdin(say), 'stdin');
}

/** A pipe or a file. Not a terminal, not `/dev/null`, not nothing at all. */
function isPiped(): boolean {
  try {
    const stdin = fstatSync(0);
    return stdin.isFIFO() || stdin.isFile() || stdin.isSocket();
  } catch {
    return false;
  }
}

async function readStdin(say: (line: string) => void): Promise<Uint8Array> {
  const waiting = setTimeout(() => say("reading the event from stdin (end it with Ctrl-D; or pass -d '{}')"), SAY_THAT_IT_WAITS_AFTER_MS);
  try {
    return await collect(process.stdin);
  } finally {
    clearTimeout(waiting);
    process.stdin.pause();
  }
}

async function readFileUpTo(path: string): Promise<Uint8Array> {
  const file = await open(path).catch((cause: unknown) => {
    throw usageProblem('the event cannot be read', messageOf(cause), 'a path that exists after the @, such as -d @event.json');
  });
  return await collect(file.createReadStream());
}

async function collect(stream: AsyncIterable<unknown>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    chunks.push(chunk as Uint8Array);
    bytes += (chunk as Uint8Array).byteLength;
    if (bytes > MAX_PAYLOAD_BYTES) {
      throw new InvalidInputError({ field: 'the payload', problem: `has more than ${MAX_PAYLOAD_BYTES} bytes, and no more are accepted` });
    }
  }
  return Buffer.concat(chunks);
}

function decode(bytes: Uint8Array, from: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new InvalidInputError({ field: `what ${from} holds`, problem: 'is not UTF-8 text' }, { cause });
  }
}
