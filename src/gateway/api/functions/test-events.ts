import type { TestEvent } from '#src/functions/test-events.ts';
import { textOf } from '#src/gateway/http/bodies/body.ts';
import { HttpError } from '#src/gateway/http/http-error.ts';
import type { Gateway } from '../../ports.ts';
import { scopeOf } from '../../scope.ts';
import type { Routes } from '../route.ts';
import { testEventsSchema } from './function-schemas.ts';

const PATH = '/api/functions/{name}/test-events/{event}';

/** The saved test events of a function. */
export function addTestEventRoutes(routes: Routes, gateway: Gateway): void {
  const { functions } = gateway.client;

  routes.add(
    {
      method: 'get',
      path: '/api/functions/{name}/test-events',
      summary: 'The saved test events of a function, by name, and an example of an event',
      answers: { 200: { description: 'the events', schema: testEventsSchema } },
    },
    async (call, { params }) => {
      const token = await known(scopeOf(call, gateway).token(params.name));
      const [saved, example] = await Promise.all([functions.testEvents.list(token), functions.testEvents.example(token)]);
      const events = saved.map(({ name, text, changedAt }) => ({ name, text, changed_at: changedAt }));
      return call.json({ events, ...(example === undefined ? {} : { example }) });
    },
  );

  routes.add(
    { method: 'get', path: PATH, summary: 'A test event', answers: { 200: { description: 'the event', type: 'application/json' } } },
    async (call, { params: { name, event } }) => {
      const found = await find(await known(scopeOf(call, gateway).token(name)), event);
      return call.body(found.text, 200, { 'Content-Type': 'application/json' });
    },
  );

  routes.add(
    {
      method: 'put',
      path: PATH,
      summary: 'Save the body, which is JSON, as a test event of a function',
      answers: { 204: { description: 'saved' } },
    },
    async (call, { params: { name, event } }) => {
      const token = await known(scopeOf(call, gateway).token(name));
      await functions.testEvents.put(token, { name: event, text: textOf(call.get('body')) });
      return call.body(null, 204);
    },
  );

  routes.add(
    { method: 'delete', path: PATH, summary: 'Delete a test event', answers: { 204: { description: 'deleted' } } },
    async (call, { params: { name, event } }) => {
      const token = await known(scopeOf(call, gateway).token(name));
      await find(token, event);
      await functions.testEvents.delete(token, event);
      return call.body(null, 204);
    },
  );

  /** Throws `FunctionNotFoundError`. */
  async function known(name: string): Promise<string> {
    await functions.get(name);
    return name;
  }

  async function find(name: string, event: string): Promise<TestEvent> {
    const found = (await functions.testEvents.list(name)).find((one) => one.name === event);
    if (found === undefined) throw new HttpError({ status: 404, message: `the function has no test event ${JSON.stringify(event)}` });
    return found;
  }
}
