import type { ChildProcess } from 'node:child_process';
import { describe, expect } from 'vitest';
import { connectClient } from '#src/client/client.ts';
import { runCliProcess, serveSequent } from '#test/support/cli/cli.ts';
import { startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { shortTimes, test } from '#test/support/fixtures.ts';
import { freePort } from '#test/support/free-port.ts';

const COUNT = 'select count(*) as invocations from invocations';
const watchArgs = ['sql', COUNT, '--csv', '--watch', '--interval', '200ms'];

describe('sequent sql --watch', () => {
  test('prints each answer that differs, and Ctrl-C ends it with 130', { timeout: 120_000 }, async () => {
    await using sequent = await serveSequent(['--deploy-examples']);
    await using client = await connectClient(sequent.address);
    let sent = false;
    const ended = await runCliProcess(watchArgs, {
      env: { SEQUENT_DATA: sequent.dataDir },
      onStdout: (text, child) => {
        if (!sent && text === 'invocations\n0\n') {
          sent = true;
          void client.invoke('hello', { name: 'Ada' });
        }
        if (text === 'invocations\n0\ninvocations\n1\n') child.kill('SIGINT');
      },
    });
    expect(ended).toMatchObject({ code: 130, stdout: 'invocations\n0\ninvocations\n1\n', stderr: '' });
  });

  test('outlives a stop of all roles and of the server, and says what does not answer', { timeout: 120_000 }, async ({
    server,
    folder,
  }) => {
    const env = { NATS_URL: server.url, SEQUENT_DATA: folder };
    const start = () => startSequent(['--http-port', '0'], { ...shortTimes, ...env });
    let sequent = await start();
    await using client = await connectClient({ servers: server.url });
    await client.functions.put({ name: 'orders', handler: { kind: 'inline' } });
    const steps: [seen: RegExp, act: (child: ChildProcess) => Promise<unknown>][] = [
      [/^invocations\n0\n$/, async () => await sequent[Symbol.asyncDispose]()],
      [/no answer, asking again: .*no projection/, () => server.kill()],
      [/the connection to NATS is lost; reconnecting/, () => server.restart()],
      [
        /connected to NATS again/,
        async () => {
          sequent = await start();
          await client.invoke('orders', {});
        },
      ],
      [/\ninvocations\n1\n$/, async (child) => child.kill('SIGINT')],
    ];
    const done: Promise<unknown>[] = [];
    const look = (text: string, child: ChildProcess): void => {
      if (steps[0]?.[0].test(text)) done.push(steps.shift()?.[1](child) ?? Promise.resolve());
    };
    const ended = await runCliProcess(watchArgs, { env, onStdout: look, onStderr: look });
    await Promise.all(done);
    await sequent[Symbol.asyncDispose]();
    expect(ended).toMatchObject({ code: 130, stdout: 'invocations\n0\ninvocations\n1\n' });
    // Each reason is said once, however many times the command asks.
    expect([...ended.stderr.matchAll(/no answer, asking again: .*no projection/g)]).toHaveLength(1);
  });

  test('ends with 6 and one problem when no server answers at the start', async () => {
    const ended = await runCliProcess([...watchArgs, '--json'], { env: { NATS_URL: `nats://127.0.0.1:${await freePort()}` } });
    expect(ended).toMatchObject({ code: 6, stdout: '' });
    expect(JSON.parse(ended.stderr)).toMatchObject({ code: 'NATS_UNAVAILABLE', exit_code: 6 });
  });
});
