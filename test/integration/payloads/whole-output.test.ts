import { describe, expect } from 'vitest';
import type { LogLineView, LogsView } from '#src/gateway/api/streams/log-schemas.ts';
import { runCliOn } from '#test/support/cli/cli.ts';
import { STRANGER, startSequent } from '#test/support/gateway/running-gateway.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const test = sharedByFile(() => startSequent());
type Sequent = Awaited<ReturnType<typeof startSequent>>;

const file = new URL('../../support/payloads/import.mjs', import.meta.url).pathname;
const handler = { kind: 'process', file, export: 'talk' };
const policy = { maxRetries: 1, maxAgeInSeconds: 600, backoff: { initialInMs: 1, factor: 1, maxInMs: 1, jitter: 0 } };

async function put(sequent: Sequent, name: string, maxOutputBytes?: number): Promise<void> {
  const reply = await sequent.call('PUT', `/api/functions/${name}`, { body: { handler, policy, maxOutputBytes } });
  expect(reply.status).toBeLessThan(300);
}

/** Invokes a function that prints so many lines before its password and after it, twice. Resolves to the id after the second attempt. */
async function talk(
  sequent: Sequent,
  name: string,
  { lines, maxOutputBytes }: { lines: number; maxOutputBytes?: number },
): Promise<string> {
  await put(sequent, name, maxOutputBytes);
  return await invoke(sequent, name, lines);
}

async function invoke(sequent: Sequent, name: string, lines: number): Promise<string> {
  const reply = await sequent.call('POST', `/api/functions/${name}/invocations`, { body: { lines }, headers: { prefer: 'wait=60' } });
  expect(reply.status).toBe(200);
  return ((await reply.json()) as { request_id: string }).request_id;
}

async function logsOf(sequent: Sequent, name: string, query = ''): Promise<LogLineView[]> {
  const reply = await sequent.call('GET', `/api/functions/${name}/logs?limit=5000${query}`);
  return ((await reply.json()) as LogsView).lines;
}

const textsOf = (lines: readonly LogLineView[], attempt: number): string[] =>
  lines.filter((line) => line.attempt === attempt && line.kind === 'output').map(({ text }) => text);

/** What an attempt prints, with its password hidden. */
const printed = (lines: number, attempt: number): string[] => {
  const all = Array.from({ length: 2 * lines }, (_, i) => `line ${i} of attempt ${attempt}`);
  return [...all.slice(0, lines), 'password=[redacted]', ...all.slice(lines)];
};

describe('the output of a function that keeps more than 4 KB of it', () => {
  test('is whole for every attempt, failed ones too, with its secrets hidden', async ({ sequent }) => {
    const id = await talk(sequent, 'talks', { lines: 1_000, maxOutputBytes: 1_000_000 });
    const lines = await logsOf(sequent, 'talks', '&whole=true');
    for (const attempt of [1, 2]) expect(textsOf(lines, attempt)).toEqual(printed(1_000, attempt));
    expect(lines.some(({ is_cut }) => is_cut)).toBe(false);
    const objects = (await sequent.roles.ports.payloadRemoval.list()).filter(({ owner }) => owner?.invocation === id);
    expect(objects.map(({ owner }) => owner?.function)).toEqual(['talks', 'talks']);
    const failedOnly = await logsOf(sequent, 'talks', '&whole=true&failed=true&text=password');
    expect(failedOnly.map(({ attempt, text }) => [attempt, text])).toEqual([[1, 'password=[redacted]']]);
  });

  test('is its end alone for a reader who does not ask for more, and the end says that the rest is stored', async ({ sequent }) => {
    await talk(sequent, 'tails', { lines: 500, maxOutputBytes: 1_000_000 });
    const lines = await logsOf(sequent, 'tails');
    for (const attempt of [1, 2]) {
      const texts = textsOf(lines, attempt);
      expect(texts.slice(1)).toEqual(printed(500, attempt).slice(1 - texts.length));
      expect(texts.length).toBeLessThan(250);
      expect(lines.find((line) => line.attempt === attempt)).toMatchObject({ is_cut: true, is_stored: true });
    }
  });

  test('above its limit lacks its beginning, and says so', async ({ sequent }) => {
    await talk(sequent, 'floods', { lines: 2_000, maxOutputBytes: 20_000 });
    const lines = await logsOf(sequent, 'floods', '&whole=true');
    const texts = textsOf(lines, 2);
    expect(Buffer.byteLength(texts.join('\n'))).toBeGreaterThan(19_900);
    expect(Buffer.byteLength(texts.join('\n'))).toBeLessThanOrEqual(20_000);
    expect(texts.slice(1)).toEqual(printed(2_000, 2).slice(1 - texts.length));
    const [first] = lines.filter(({ attempt }) => attempt === 2);
    expect([first?.is_cut, first?.is_stored]).toEqual([true, undefined]);
  });

  test('is printed by sequent logs --whole, and by no reader of another project', async ({ sequent }) => {
    const id = await talk(sequent, 'speaks', { lines: 300, maxOutputBytes: 100_000 });
    const run = (...args: string[]) => runCliOn(sequent.server.url, ['logs', 'speaks', '--id', id, ...args]);
    const whole = await run('--whole', '-o', 'jsonl');
    const texts = whole.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { attempt: number; text: string });
    expect(texts.filter(({ attempt }) => attempt === 2).map(({ text }) => text)).toEqual(printed(300, 2));
    expect((await run()).stdout).toContain('earlier output of this attempt is stored: --whole prints it');
    const stranger = await sequent.call('GET', '/api/functions/speaks/logs?whole=true', { headers: { 'x-auth-token': STRANGER.token } });
    expect(stranger.status).toBe(404);
  });

  test('stays readable to its end when its object is gone', async ({ sequent }) => {
    const id = await talk(sequent, 'loses', { lines: 300, maxOutputBytes: 100_000 });
    const { payloadRemoval } = sequent.roles.ports;
    for (const object of await payloadRemoval.list()) if (object.owner?.invocation === id) await payloadRemoval.remove(object);
    const lines = await logsOf(sequent, 'loses', '&whole=true');
    expect(lines.map(({ text }) => text)).toContain('line 599 of attempt 2');
    expect(lines.find(({ attempt }) => attempt === 2)).toMatchObject({ is_cut: true });
  });

  test('is no object for a function without the setting, or when it printed little', async ({ sequent }) => {
    const ids = [await talk(sequent, 'short', { lines: 10, maxOutputBytes: 100_000 }), await talk(sequent, 'plain', { lines: 500 })];
    const objects = await sequent.roles.ports.payloadRemoval.list();
    expect(objects.filter(({ owner }) => ids.includes(owner?.invocation ?? ''))).toEqual([]);
    expect((await logsOf(sequent, 'plain', '&whole=true'))[0]).toMatchObject({ is_cut: true });
  });

  test('reaches a live reader whole', async ({ sequent }) => {
    await put(sequent, 'live', 100_000);
    const stream = await sequent.call('GET', '/api/functions/live/logs/stream?whole=true');
    const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
    await invoke(sequent, 'live', 300);
    let received = '';
    while (!received.includes('line 599 of attempt 2')) {
      const value = (await reader?.read())?.value;
      // Without this, the loop never ends when the test fails by its time limit and the gateway closes.
      if (value === undefined) throw new Error('the stream ended before the last line');
      received += value;
    }
    await reader?.cancel();
    expect(received).toContain('line 0 of attempt 2');
  });
});
