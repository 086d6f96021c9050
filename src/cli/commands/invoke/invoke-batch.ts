import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { MAX_PAYLOAD_BYTES } from '#machines/facts.ts';
import { readFunction } from '#src/cli/arguments/function-argument.ts';
import { plain } from '#src/cli/print/terminal.ts';
import { say, sayCount } from '#src/cli/texts/say.ts';
import type { Invoke } from '#src/client/invoke/invoke.ts';
import { type InvalidInputError, messageOf } from '#src/core/errors.ts';
import { newBatchId } from '#src/core/lines/batch-id.ts';
import { isBatchKey, KEY_RULE, lineKey } from '#src/core/lines/line-key.ts';
import { type LineOutcome, sendLines, type TextLine } from '#src/core/lines/send-lines.ts';
import { deliverAtOf } from '#src/core/log/requests/due-time.ts';
import type { Call } from '../../call.ts';
import type { Host } from '../../host.ts';
import { type ExitCode, exitCodes, usageProblem } from '../../problem.ts';
import { printConnection, withClient } from '../../session.ts';
import { destinationsFrom } from '../fn/definition/settings-flags.ts';

/** `in` and `at`: when the invocations are due. */
export type BatchOptions = {
  batch?: string;
  key?: string;
  onComplete?: string[];
  qualifier?: string;
  flowKey?: string;
  priority?: number;
  in?: number;
  at?: string;
};

/** How much is in flight, so that the memory stays bounded however large the input is. */
const IN_FLIGHT = { maxItems: 2_000, maxBytes: 16 * 1_024 * 1_024 };
/** The time between two lines of progress, on a terminal and elsewhere. */
const PROGRESS_IN_MS = { terminal: 1_000, other: 10_000 };

/**
 * Invokes a function once for each line of a file of JSON Lines.
 *
 * 1. A line that is no JSON, no text or too large is reported with its number and skipped. The other lines are sent, and the exit code is 1.
 * 2. An error that does not concern one line ends the command. The command waits for the requests in flight, and reports the lines that the
 *    log did not accept.
 * 3. With a key, the id of a line is `<key>-<number>`, so that the same command can be run again: no line is run twice.
 * 4. The batch is opened before its first line is sent, and sealed after its last one. A command that ended early leaves the batch open.
 * 5. Each request is a member of the batch. The key is the id of the batch, so a repetition continues it.
 */
export async function invokeBatch(call: Call<BatchOptions>, source: string): Promise<ExitCode> {
  const { options } = call;
  if (options.key !== undefined && !isBatchKey(options.key)) {
    throw usageProblem('the key cannot be used', `it ${KEY_RULE}`, '--key import-7');
  }
  const input = await openInput(source, options.host);
  return await withClient(options, async (client) => {
    printConnection(client, call.terminal.err);
    const { name, qualifier } = await readFunction(client, call.args[0] ?? '', options.qualifier);
    if (options.at !== undefined || options.in !== undefined) deliverAtOf({ at: options.at, delay: options.in }, client.clock.now());
    // What concerns every line is reported once: here also a function that does not exist.
    await client.functions.find(name, qualifier);
    const batch = { function: name, id: options.key ?? newBatchId(client.clock.now()) };
    const onComplete = (options.onComplete ?? []).flatMap((text) => destinationsFrom(text, '--on-complete'));
    const request = await client.batches.open({ ...batch, onComplete });
    const code = await new Batch(call, client, { name, qualifier, batch: batch.id }).run(input);
    await client.batches.seal({ ...batch, request });
    return code;
  });
}

async function openInput(source: string, { stdin }: Host): Promise<AsyncIterable<Uint8Array>> {
  if (source === '-') return stdin;
  const file = await open(source).catch((cause: unknown) => {
    throw usageProblem('the batch cannot be read', messageOf(cause), 'a path that exists, such as --batch events.jsonl, or - for stdin');
  });
  return file.createReadStream();
}

/** The function that the lines invoke, and the id of the batch. */
type Target = { name: string; qualifier: string | undefined; batch: string };

type Failure = { number: number; error: unknown };

/** Sends the lines of an input, and tells what became of them. */
export class Batch {
  readonly #call: Call<BatchOptions>;
  readonly #client: Pick<Invoke, 'invokeText'>;
  readonly #target: Target;
  readonly #batch: string;
  readonly #startedAt = performance.now();
  /** Errors that concern no single line. */
  readonly #failures: Failure[] = [];
  #accepted = 0;
  #refused = 0;

  constructor(call: Call<BatchOptions>, client: Pick<Invoke, 'invokeText'>, target: Target) {
    this.#call = call;
    this.#client = client;
    this.#target = target;
    this.#batch = target.batch;
  }

  async run(input: AsyncIterable<Uint8Array>): Promise<ExitCode> {
    const { err } = this.#call.terminal;
    const { signals } = this.#call.options.host;
    const reporting = setInterval(() => err.line(this.#inWords()), err.isTty ? PROGRESS_IN_MS.terminal : PROGRESS_IN_MS.other);
    const sayCounts = (): void =>
      err.line(`\n${say('{counts}; the accepted ones continue without this command', { counts: this.#inWords() })}`);
    signals.prependOnceListener('SIGINT', sayCounts);
    try {
      await sendLines(input, {
        maxLineBytes: MAX_PAYLOAD_BYTES,
        inFlight: IN_FLIGHT,
        send: (line) => this.#send(line),
        report: (outcomes) => this.#report(outcomes),
      });
    } finally {
      clearInterval(reporting);
      signals.removeListener('SIGINT', sayCounts);
    }
    return this.#end();
  }

  async #send({ number, text }: TextLine): Promise<string> {
    const { key, flowKey, priority, at, in: delay } = this.#call.options;
    const { name, qualifier } = this.#target;
    const { requestId } = await this.#client.invokeText(name, text, {
      ...(key === undefined ? {} : { id: lineKey(key, number) }),
      batch: this.#batch,
      flowKey,
      priority,
      at,
      delay,
      ...(qualifier === undefined ? {} : { qualifier }),
    });
    return requestId;
  }

  /** Reports the outcomes of lines. A reader of stdout that is slower than the log delays the next lines. */
  async #report(outcomes: readonly LineOutcome<string>[]): Promise<void> {
    for (const outcome of outcomes) {
      const { number } = outcome;
      if ('problem' in outcome) this.#refuse(number, outcome.problem);
      else if ('failure' in outcome) this.#failures.push({ number, error: outcome.failure });
      else {
        this.#accepted++;
        this.#print(number, outcome.answer);
      }
    }
    const { stdout } = this.#call.options.host;
    if (stdout.writableNeedDrain) await once(stdout, 'drain');
  }

  #print(line: number, requestId: string): void {
    const { format, terminal } = this.#call;
    if (format === 'jsonl') terminal.out.line(JSON.stringify({ line, requestId }));
    else if (format === 'name') terminal.out.line(requestId);
  }

  #refuse(number: number, error: InvalidInputError): void {
    this.#refused++;
    this.#call.terminal.err.line(plain(say('line {number} is skipped: {why}', { number, why: messageOf(error) })));
  }

  #inWords(): string {
    const seconds = (performance.now() - this.#startedAt) / 1_000;
    const requests = sayCount(this.#accepted, ['{count} request', '{count} requests']);
    const rate = Math.round(this.#accepted / Math.max(seconds, 0.001));
    if (this.#refused === 0) return say('{requests} accepted, {rate}/s', { requests, rate });
    const lines = sayCount(this.#refused, ['{count} line', '{count} lines']);
    return say('{requests} accepted, {lines} skipped, {rate}/s', { requests, lines, rate });
  }

  #end(): ExitCode {
    const { format, terminal, options } = this.#call;
    const { out, err } = terminal;
    const [failure] = this.#failures;
    const unsent = this.#failures.map(({ number }) => number).sort((one, other) => one - other);
    if (format === 'json') {
      const elapsedInMs = Math.round(performance.now() - this.#startedAt);
      const { name } = this.#target;
      out.line(
        JSON.stringify({
          function: name,
          batch: this.#batch,
          accepted: this.#accepted,
          skipped: this.#refused,
          failed: unsent.length,
          elapsedInMs,
        }),
      );
    } else err.line(this.#inWords());
    if (this.#accepted > 0) err.line(plain(say('batch {batch}; its counts: sequent batch get {batch}', { batch: this.#batch })));
    if (failure !== undefined) {
      err.line(stoppedInWords(unsent, options.key !== undefined));
      throw failure.error;
    }
    return this.#refused === 0 ? exitCodes.ok : exitCodes.failed;
  }
}

/** Says which lines the log did not accept. */
function stoppedInWords(unsent: readonly number[], hasKey: boolean): string {
  const again = hasKey ? say('run it again with the same --key') : say('with --key, the command could be repeated');
  const lines = sayCount(unsent.length, ['{count} line', '{count} lines']);
  const text = 'the command stopped: {lines} without an answer, the first is line {first}, and no later line is sent; {again}';
  return say(text, { lines, first: unsent[0] ?? 0, again });
}
