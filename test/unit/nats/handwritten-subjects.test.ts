import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const src = new URL('../../../src', import.meta.url).pathname;
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));

function filesWith(pattern: RegExp): string[] {
  return files.filter((path) => pattern.test(readFileSync(join(src, path), 'utf8'))).sort();
}

describe('a connection alone knows', () => {
  test("the prefix of JetStream's API, which a domain changes", () => {
    expect(filesWith(/\$JS\.API/)).toEqual(['nats/permissions/jetstream-operations.ts', 'nats/transport/grants.ts']);
    expect(filesWith(/\.jetstream(?:Manager)?\(/)).toEqual(['nats/transport/connection/connection.ts']);
  });

  test('how to open a connection, which answers inboxes only (ANS1)', () => {
    expect(filesWith(/import [^;]*\bconnect\b[^;]* from 'nats'/)).toEqual([
      'examples/responder.ts',
      'nats/transport/connection/connection.ts',
    ]);
  });

  test('the prefix of its inboxes', () => {
    expect(filesWith(/createInbox\(inboxPrefix/)).toEqual(['nats/transport/connection/connection.ts']);
    expect(filesWith(/import [^;]*\bcreateInbox\b[^;]* from 'nats'/)).toEqual(['nats/transport/connection/connection.ts']);
  });
});
