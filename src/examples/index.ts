import { fileURLToPath } from 'node:url';
import type { FunctionDefinitionInput } from '#src/core/functions/definition.ts';

const file = (name: string): string => fileURLToPath(new URL(`./functions/${name}`, import.meta.url));
const invoking = (name: string) => [
  { destination: 'FunctionGraph' as const, param: JSON.stringify({ func_urn: `urn:fss:local:default:function:default:${name}:latest` }) },
];

export type Example = FunctionDefinitionInput & { description: string };

/**
 * The definitions of the example functions, which `sequent serve --deploy-examples` registers.
 */
export const examples: readonly Example[] = [
  {
    name: 'hello',
    description: 'the first example: greets the name in the event',
    handler: { kind: 'process', file: file('hello.mjs') },
  },
  {
    name: 'test1',
    description: 'the worked example: notifies test2 of a success, and test3 of a failure; the event {"fail": true} makes it fail',
    handler: { kind: 'process', file: file('test1.mjs') },
    policy: { maxRetries: 0, onSuccess: invoking('test2'), onFailure: invoking('test3') },
  },
  {
    name: 'test2',
    description: 'prints the envelope of a success',
    handler: { kind: 'process', file: file('log-outcome.mjs') },
  },
  {
    name: 'test3',
    description: 'prints the envelope of a failure',
    handler: { kind: 'process', file: file('log-outcome.mjs') },
  },
  {
    name: 'flaky',
    description: 'succeeds on its third attempt',
    handler: { kind: 'process', file: file('flaky.mjs') },
    policy: { maxRetries: 3, backoff: { initialInMs: 500, factor: 2, maxInMs: 5_000, jitter: 0.2 } },
  },
  {
    name: 'slow',
    description: 'times out after 2 s; {"ms": 100} is fast enough',
    handler: { kind: 'process', file: file('slow.mjs') },
    timeoutInMs: 2_000,
  },
  {
    name: 'responder',
    description: 'a NATS responder: start it with npx tsx src/examples/responder.ts',
    handler: { kind: 'subject', subject: 'examples.responder' },
    timeoutInMs: 5_000,
  },
];
