import { MAX_PAYLOAD_BYTES } from '#machines/facts.ts';
import type { PayloadSealer } from '#src/core/encryption/payload-sealer.ts';
import { messageOf } from '#src/core/errors.ts';
import type { Execution, ExecutionResult, HostLayer } from '#src/core/ports/function-host.ts';
import { failed, unavailable } from '#src/hosts/failures.ts';

/**
 * Opens the request payload of a project that encrypts payloads for its function, and seals what the function returns, prints and throws
 * (ENC5). A function of another project does not need the layer.
 *
 * Without a key the platform fails and not the function: no attempt starts, and it is made again later.
 */
export function createSealingLayer(payloads: PayloadSealer): HostLayer {
  return {
    needs: ({ definition }) => payloads.concerns(definition.name),
    async execute(execution, signal, run) {
      const { name } = execution.definition;
      let opened: Execution;
      try {
        opened = openedOf(execution, (text) => payloads.open(name, text));
        payloads.expectKey(name);
      } catch (error) {
        return failed(unavailable(messageOf(error)));
      }
      return sealResult(await run(opened, signal), (text) => payloads.seal(name, text));
    },
    live(question, live) {
      const parts = live(question);
      if (!payloads.concerns(question.function)) return parts;
      try {
        return parts.map((part) => ({ ...part, lines: part.lines.map((line) => payloads.seal(question.function, line)) }));
      } catch {
        // Without a key nothing is shown, as no attempt starts then.
        return [];
      }
    },
  };
}

function openedOf({ events, ...execution }: Execution, open: (text: string) => string): Execution {
  const opened = { ...execution, payload: open(execution.payload) };
  return events === undefined ? opened : { ...opened, events: events.map((event) => ({ ...event, payload: open(event.payload) })) };
}

function sealResult(result: ExecutionResult, seal: (text: string) => string): ExecutionResult {
  const output = result.output === undefined ? {} : { output: seal(result.output) };
  if (result.kind === 'returned') {
    // A value that is too large is dropped with its size (SRC9).
    const isDropped = Buffer.byteLength(result.payload) > MAX_PAYLOAD_BYTES;
    return { ...result, ...output, payload: isDropped ? result.payload : seal(result.payload) };
  }
  // A failure of the platform has texts of Sequent, which an operator without a key must read.
  if (result.failure.kind !== 'function') return { ...result, ...output };
  const { message, stackTrace } = result.failure;
  const trace = stackTrace === undefined ? {} : { stackTrace: stackTrace.map(seal) };
  return { ...result, ...output, failure: { ...result.failure, message: seal(message), ...trace } };
}
