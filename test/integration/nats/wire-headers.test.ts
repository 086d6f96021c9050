import { createInbox, type Msg, type MsgHdrs } from 'nats';
import { describe, expect } from 'vitest';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { headersOf, wireHeaders } from '#src/nats/wire/wire-headers.ts';
import { sharedTest as test } from '#test/support/fixtures.ts';

let connection: Connection;
test.beforeAll(({ nats }) => {
  connection = nats.connection;
});

/** Sends one message through the server, and returns it as the client received it. */
function received(headers: MsgHdrs | undefined, { payload = 'data', reply = '' } = {}): Promise<Msg> {
  return new Promise((resolve) => {
    const subject = createInbox();
    connection.nats.subscribe(subject, { max: 1, callback: (_, message) => resolve(message) });
    connection.nats.publish(subject, Buffer.from(payload), {
      ...(headers === undefined ? {} : { headers }),
      ...(reply === '' ? {} : { reply }),
    });
  });
}

const lines = (...given: string[]) =>
  ({ encode: () => Buffer.from(`${['NATS/1.0', ...given].join('\r\n')}\r\n\r\n`) }) as unknown as MsgHdrs;

describe('headers as the wire has them', () => {
  const names = ['Request-Id', 'Id', 'Request', 'traceparent', 'Lineage', 'request-id'];
  test.for([
    [['Request-Id: a', 'Lineage: r/p/1']],
    [['Request-Id:a', 'Lineage:  r/p/1  ']],
    [['Request-Id: first', 'Request-Id: second']],
    [['Request-Id:', 'Id: of another name that ends alike']],
    [['request-id: in small letters']],
    [['traceparent: a: b: c', 'Id: Request-Id: x']],
    [['Lineage: größer ☃ 𝄞', 'Id: x']],
    [['Other: x']],
    [[]],
  ])('are read as the client reads them: %j', async ([given]) => {
    for (const options of [{}, { payload: '' }, { payload: 'größer\r\nRequest-Id: of the data', reply: 'reply.subject' }]) {
      const message = await received(lines(...(given ?? [])), options);
      const own = names.map((name) => headersOf(message)?.get(name));
      expect(own).toEqual(names.map((name) => message.headers?.get(name)));
      expect(Buffer.from(message.data).toString()).toBe(options.payload ?? 'data');
    }
  });

  test('are not there when there are none', async () => {
    for (const options of [{}, { payload: '' }, { reply: 'reply.subject' }]) {
      expect(headersOf(await received(undefined, options))).toBeUndefined();
    }
  });

  test('are written as the client reads them', async () => {
    const written: [string, string][] = [
      ['Request-Id', 'a-1'],
      ['Lineage', 'größer: ☃'],
      ['Id', ''],
    ];
    const message = await received(wireHeaders(written));
    expect(written.map(([name]) => [name, message.headers?.get(name)])).toEqual(written);
    expect(message.headers?.keys()).toEqual(['Request-Id', 'Lineage', 'Id']);
  });

  test.for(['a\r\nNats-Rollup: all', 'a\nb', 'a\rb'])('are refused with a line break in them: %j', (value) => {
    expect(() => wireHeaders([['Request-Id', value]])).toThrow('the header Request-Id has a line break in it');
  });
});
