import type { SequentClient } from '#src/client/client.ts';
import type { TestEvent } from '#src/functions/test-events.ts';
import { CommandError, exitCodes } from '../../problem.ts';

/** A saved test event of a function. Throws `FunctionNotFoundError`, and `CommandError` when the function has no event of this name. */
export async function findTestEvent(functions: SequentClient['functions'], name: string, event: string): Promise<TestEvent> {
  await functions.get(name);
  const all = await functions.testEvents.list(name);
  const found = all.find((one) => one.name === event);
  if (found !== undefined) return found;
  const why = all.length === 0 ? `${name} has no test event` : `${name} has ${all.map((one) => one.name).join(', ')}`;
  throw new CommandError({
    code: 'TEST_EVENT_NOT_FOUND',
    exitCode: exitCodes.notFound,
    what: `no test event "${event}"`,
    why,
    remedy: `sequent fn event put ${name} ${event} -d '{}'`,
  });
}
