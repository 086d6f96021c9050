import { open } from 'node:fs/promises';
import { MAX_PAYLOAD_BYTES } from '#machines/facts.ts';
import type { Call } from '#src/cli/call.ts';
import type { Host } from '#src/cli/host.ts';
import { usageProblem } from '#src/cli/problem.ts';
import { InvalidInputError, messageOf } from '#src/core/errors.ts';
import { say } from '../texts/say.ts';

const STDIN_HINT_AFTER_MS = 1_000;

/**
 * The event of an invocation: the text of `-d`, a file (`@path`), or stdin (`-`, or a pipe). Empty without any of them.
 *
 * Throws when the event is no text, or exceeds the limit of a payload. The input is not read beyond the limit.
 */
export async function readPayload(
  given: string | undefined,
  call: Pick<Call, 'terminal' | 'options'>,
  maxBytes = MAX_PAYLOAD_BYTES,
): Promise<string> {
  const { terminal, options } = call;
  const isStdin = given === '-' || (given === undefined && options.host.isPiped());
  if (isStdin) return decode(await readStdin(options.host, terminal.err.line, maxBytes), 'stdin');
  if (given === undefined) return '';
  if (given.startsWith('@')) return decode(await readFileUpTo(given.slice(1), maxBytes), given.slice(1));
  return given;
}

/** Reads all of stdin as text, up to the limit of a payload. */
export async function readStdinText({ terminal, options }: Pick<Call, 'terminal' | 'options'>): Promise<string> {
  return decode(await readStdin(options.host, terminal.err.line, MAX_PAYLOAD_BYTES), 'stdin');
}

async function readStdin({ stdin }: Host, print: (line: string) => void, maxBytes: number): Promise<Uint8Array> {
  const waiting = setTimeout(() => print(say("reading the event from stdin (end it with Ctrl-D; or pass -d '{}')")), STDIN_HINT_AFTER_MS);
  try {
    return await collect(stdin, maxBytes);
  } finally {
    clearTimeout(waiting);
    stdin.pause();
  }
}

async function readFileUpTo(path: string, maxBytes: number): Promise<Uint8Array> {
  const file = await open(path).catch((cause: unknown) => {
    throw usageProblem('the event cannot be read', messageOf(cause), 'a path that exists after the @, such as -d @event.json');
  });
  return await collect(file.createReadStream(), maxBytes);
}

async function collect(stream: AsyncIterable<unknown>, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    chunks.push(chunk as Uint8Array);
    bytes += (chunk as Uint8Array).byteLength;
    if (bytes > maxBytes) {
      throw new InvalidInputError({ field: 'the payload', problem: `is larger than ${maxBytes} bytes` });
    }
  }
  return Buffer.concat(chunks);
}

function decode(bytes: Uint8Array, from: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new InvalidInputError({ field: `the content of ${from}`, problem: 'is not UTF-8 text' }, { cause });
  }
}
