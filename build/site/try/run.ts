import { defineFunction } from '#src/client/worker/define-function.ts';
import type { DeliveryResult } from '#src/core/ports/destination-target.ts';
import { eventsOf } from '#src/gateway/api/invocations/invocation-view.ts';
import { createTestSequent, type TestSequent } from '#src/testing/testing.ts';
import type { PolicyChoice, PolicyRun } from '../../../src/web/try/choice.ts';

/**
 * Runs one invocation of a function with the chosen policy on the real roles and the real machine, under virtual time. The site bundles this
 * module for the browser (`bundle.ts`); test/unit/site/try-policy.test.ts compares the bundle with this module on Node.
 *
 * Throws `InvalidInputError` when the policy is not valid.
 */
export async function runPolicy(choice: PolicyChoice): Promise<PolicyRun> {
  let sequent: TestSequent | undefined;
  let tries = 0;
  const destinations = destinationsOf(choice);
  const work = defineFunction({
    name: 'work',
    policy: {
      maxRetries: Number(choice.maxRetries),
      maxAgeInSeconds: Number(choice.maxAgeInSeconds),
      backoff: { initialInMs: Number(choice.initialInMs), factor: Number(choice.factor), maxInMs: Number(choice.maxInMs), jitter: 0 },
      onSuccess: destinations,
      onFailure: destinations,
    },
    async handler(_: unknown, { attempt, signal }) {
      await sequent?.clock.sleep(Number(choice.attemptInMs), signal);
      if (attempt <= Number(choice.failures)) throw chosenFailure(choice);
      return { done: true };
    },
  });
  const receiver = defineFunction({ name: 'receiver', handler: () => {} });
  sequent = await createTestSequent({ functions: [work, receiver], deliver: () => answerOf(choice, ++tries) });
  try {
    const { requestId } = await sequent.invoke(work, {});
    await sequent.runUntilIdle();
    const timeline = await sequent.timeline(requestId);
    return { events: eventsOf(timeline), state: timeline.state, status: timeline.status, attempts: timeline.attempts };
  } finally {
    await sequent[Symbol.asyncDispose]();
  }
}

/** Without its stack, which would name lines of a bundle. */
function chosenFailure({ failure }: PolicyChoice): Error {
  const message = 'the chosen failure';
  return Object.assign(new Error(message), { retryable: failure === 'error', stack: `Error: ${message}` });
}

function destinationsOf({ destination }: PolicyChoice) {
  if (destination === 'none') return [];
  const param = destination === 'HTTP' ? { url: 'https://shop.example.com/hook' } : { func_urn: 'receiver' };
  return [{ destination, param }];
}

function answerOf({ receiver }: PolicyChoice, tries: number): DeliveryResult {
  if (receiver === 'refuses') return { kind: 'dead', reason: 'HTTP status 404' };
  if (receiver === 'down' || (receiver === 'recovers' && tries <= 2)) return { kind: 'failed', reason: 'HTTP status 503' };
  return { kind: 'delivered' };
}
