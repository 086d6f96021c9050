import { describe, expect, vi } from 'vitest';
import { serveSequent } from '#test/support/cli/cli.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const test = sharedByFile(serveSequent);

describe('sequent schedule', () => {
  test('put fires the function; ls and get show it, explain and ls name the schedule, rm removes it', async ({ sequent }) => {
    const put = await sequent.run(['schedule', 'put', 'often', '--cron', '* * * * * *', '--function', 'hello', '-d', '{"name":"Ada"}']);
    expect([put.code, put.stdout]).toEqual([0, expect.stringContaining('the schedule often is stored; it fires next at')]);
    const get = async () => JSON.parse((await sequent.run(['schedule', 'get', 'often', '--json'])).stdout);
    const { last } = await vi.waitFor(async () => {
      const found = await get();
      expect(found.last?.requestId).toBeDefined();
      return found;
    }, 60_000);
    expect((await sequent.run(['explain', last.requestId])).stdout).toContain(`by the schedule often, for its fire time ${last.at}`);
    await vi.waitFor(async () => {
      const { stdout } = await sequent.run(['ls', '--schedule', 'often', '-o', 'name']);
      expect(stdout.split('\n')).toContain(last.requestId);
    }, 60_000);
    expect((await sequent.run(['ls', '--schedule', 'seldom', '-o', 'name'])).stdout).toBe('');
    expect((await sequent.run(['schedule', 'pause', 'often'])).stdout).toContain('it is paused');
    expect((await sequent.run(['schedule', 'ls'])).stdout).toMatch(/often .*hello .*paused/);
    const ran = (await sequent.run(['schedule', 'run', 'often'])).stdout.trim();
    expect((await sequent.run(['result', ran])).stdout).toContain('Ada');
    expect((await sequent.run(['schedule', 'resume', 'often'])).stdout).toContain('is resumed: it fires next at');
    expect((await sequent.run(['schedule', 'rm', 'often'])).code).toBe(0);
    expect((await sequent.run(['schedule', 'get', 'often'])).code).toBe(3);
  });

  test('put keeps what other people change in the same moment', async ({ sequent }) => {
    const put = (...fields: string[]) => sequent.run(['schedule', 'put', 'shared', ...fields]);
    expect((await put('--cron', '0 3 1 1 *', '--function', 'hello')).code).toBe(0);
    const changes = [
      ['--jitter', '2m'],
      ['--description', 'kept'],
      ['--overlap', 'queue'],
      ['--catch-up', '2h'],
      ['-d', '{"a":1}'],
    ];
    expect((await Promise.all(changes.map((fields) => put(...fields)))).map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
    expect(JSON.parse((await sequent.run(['schedule', 'get', 'shared', '--json'])).stdout)).toMatchObject({
      ...{ jitterInMs: 120_000, description: 'kept', overlap: 'queue', catchUpInMs: 7_200_000 },
      event: '{"a":1}',
    });
    expect((await sequent.run(['schedule', 'rm', 'shared'])).code).toBe(0);
  });

  test('with --overlap cancel, a fire time cancels the invocation before; explain names the schedule', async ({ sequent }) => {
    // The invocations of a paused function wait.
    await sequent.run(['fn', 'pause', 'hello']);
    const put = ['schedule', 'put', 'stuck', '--cron', '* * * * * *', '--function', 'hello', '--overlap', 'cancel'];
    expect((await sequent.run(put)).code).toBe(0);
    expect((await sequent.run(['schedule', 'get', 'stuck'])).stdout).toMatch(/overlap +cancel/);
    const id = await vi.waitFor(async () => {
      const canceled = ['ls', '--schedule', 'stuck', '--condition', 'InvocationCanceled', '-o', 'name'];
      const [found = ''] = (await sequent.run(canceled)).stdout.split('\n');
      expect(found).not.toBe('');
      return found;
    }, 60_000);
    expect((await sequent.run(['schedule', 'rm', 'stuck'])).code).toBe(0);
    const reason = /the schedule stuck cancelled it at its fire time \S+Z \(overlap policy cancel\)/;
    expect((await sequent.run(['explain', id])).stdout).toMatch(reason);
    expect((await sequent.run(['timeline', id])).stdout).toMatch(reason);
    expect((await sequent.run(['ls', '--schedule', 'stuck'])).stdout).toMatch(/ {2}InvocationCanceled: the schedule stuck cancelled it/);
    await sequent.run(['fn', 'resume', 'hello']);
  });

  test.for([
    [['--cron', '0 25 * * *', '--function', 'hello'], 2, 'is not valid'],
    [['--cron', '0 3 * * *', '--tz', 'Europe/Berlyn', '--function', 'hello'], 2, 'is not known here'],
    [['--cron', '0 3 * * *', '--function', 'nobody'], 3, 'does not exist'],
  ] as const)('put with %j exits with %i', async ([given, wanted, why], { sequent }) => {
    const { code, stderr } = await sequent.run(['schedule', 'put', 'wrong', ...given]);
    expect([code, stderr]).toEqual([wanted, expect.stringContaining(why)]);
  });
});
