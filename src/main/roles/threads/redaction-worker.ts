import { parentPort, workerData } from 'node:worker_threads';
import { createRedaction } from '#src/core/output/redaction.ts';
import { compileLinear } from '#src/hosts/linear-patterns.ts';
import type { RedactionAnswer, RedactionOptions, RedactionQuestion } from './redaction-thread.ts';

// The messages that arrive before the listener is added wait for it.
const redact = await createRedaction((workerData as RedactionOptions).lines, compileLinear);

parentPort?.on('message', ({ question, text }: RedactionQuestion) => {
  parentPort?.postMessage({ question, redacted: redact(text) } satisfies RedactionAnswer);
});
