import { type NatsConnection, RequestStrategy } from 'nats';
import { expect } from 'vitest';

/**
 * For `expect.poll` and `vi.waitFor` of a question to all roles: a list, a doctor, the state of the system.
 *
 * Such a question collects answers for half a second. A role of a busy machine answers later, and is missing then. A single question
 * therefore proves nothing against a role.
 */
export const UNTIL_ALL_ANSWER = { timeout: 60_000, interval: 200 };

const ANSWER_WITHIN_MS = 60_000;

/**
 * Expects that a process with these roles is in the list now, whenever its answer comes. The question is asked once: a process that
 * subscribes only afterwards never gets it.
 */
export async function expectListed(nats: NatsConnection, roles: string): Promise<void> {
  const wait = { strategy: RequestStrategy.Count, maxMessages: 1, maxWait: ANSWER_WITHIN_MS };
  const answers: string[] = [];
  for await (const { metadata } of await nats.services.client(wait).info('sequent-roles')) answers.push(metadata?.roles ?? '');
  expect(answers).toEqual([roles]);
}
