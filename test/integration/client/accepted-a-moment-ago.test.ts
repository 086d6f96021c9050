import { expect, test } from 'vitest';
import { connectClient } from '#src/client/client.ts';
import { startSequent } from '#test/support/gateway/running-gateway.ts';

const file = new URL('../../support/gateway/handlers.mjs', import.meta.url).pathname;

// Each reader of the log may pause, so that the scheduler, the projection, or both have not read the request.
test.each([[[]], [['projection'] as const]])(
  'a request is known to all as soon as it is accepted, with the roles of %j too',
  async (roles) => {
    await using sequent = await startSequent({ with: roles });
    await sequent.call('PUT', '/api/functions/greet', { body: { handler: { kind: 'process', file, export: 'greet' } } });
    const [client, another] = [await connectClient({ servers: sequent.server.url }), await connectClient({ servers: sequent.server.url })];
    for (let index = 0; index < 25; index++) {
      const { requestId } = await client.invoke('greet', {}, { delay: '1d' });
      expect(await another.timeline(requestId)).toMatchObject({ requestId, state: 'queued' });
    }
    const soon = await Promise.all(Array.from({ length: 25 }, () => client.invoke('greet', {}, { delay: 200 })));
    const results = await Promise.all(soon.map(({ requestId }) => another.result(requestId)));
    expect(results.filter(({ outcome }) => outcome !== 'succeeded')).toEqual([]);
    await expect(another.timeline('nobody-has-this-id')).rejects.toThrow('nobody-has-this-id');
    await client.close();
    await another.close();
  },
);
