import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { systemClock } from '#src/core/ports/clock.ts';
import { runCli, runCliProcess, serveSequent, spawnCli } from '#test/support/cli/cli.ts';
import { endServersOn, serversOn } from '#test/support/nats/embedded-servers.ts';
import { startTestServer } from '#test/support/nats/nats-server.ts';

const server = await startTestServer();
afterAll(() => server[Symbol.asyncDispose]());

describe('sequent serve', () => {
  test('prints one line on stdout when it is ready, and everything else on stderr', async () => {
    await using sequent = await serveSequent();
    const http = /http:\/\/127\.0\.0\.1:\d+/.exec(sequent.output.stdout)?.[0] ?? '';
    expect(sequent.output.stdout).toBe(`sequent ready ${sequent.url} data ${sequent.dataDir} http ${http}\n`);
    expect((await fetch(`${http}/readyz`)).status).toBe(200);
    expect(sequent.output.stderr).toContain('100ms: a power cut loses at most the last 100 ms');
    expect(sequent.output.stderr).toContain(`sequent invoke hello -d '{"name":"Ada"}' --wait --data ${sequent.dataDir}`);
  });

  test.for(['SIGINT', 'SIGTERM'] as const)('on %s finishes what runs, stops its NATS server, and exits with 0', async (signal) => {
    await using sequent = await serveSequent();
    let ending: Promise<number | null> | undefined;
    const run = sequent.run(['invoke', 'slow', '-d', '{"ms":400}', '--follow', '-o', 'jsonl'], {
      onStdout(text) {
        if (text.includes('"running"')) ending ??= sequent.end(signal);
      },
    });
    expect(await run).toMatchObject({ code: 0, stdout: expect.stringContaining('"succeeded"') });
    expect(await ending).toBe(0);
    expect(sequent.output.stderr).toMatch(/stopping.*\n(.*\n)*sequent: stopped\n$/);
    expect(await serversOn(sequent.dataDir)).toEqual([]);
  });

  test('a second Ctrl-C ends it at once with 130', async () => {
    await using sequent = await serveSequent(['--grace', '10m']);
    // Neither the attempt nor the wait for it ends before the second signal.
    await sequent.run(['fn', 'put', 'endless', '--file', 'src/examples/functions/slow.mjs', '--timeout', '10m']);
    let follower: ChildProcess | undefined;
    const run = sequent.run(['invoke', 'endless', '-d', '{"ms":600000}', '--follow', '-o', 'jsonl', '--timeout', '10m'], {
      onStdout(text, child) {
        if (follower !== undefined || !text.includes('"running"')) return;
        follower = child;
        sequent.process.kill('SIGINT');
      },
    });
    const stopping = new Promise<void>((resolve) =>
      sequent.process.stderr?.on('data', (chunk: Buffer) => `${chunk}`.includes('stopping') && resolve()),
    );
    await stopping;
    // Within a second the signal counts as the same Ctrl-C, which npm forwards once more.
    await systemClock.sleep(1_100);
    expect(await sequent.end('SIGINT')).toBe(130);
    // The NATS server keeps running for the next start, so the test ends it.
    await endServersOn(sequent.dataDir);
    follower?.kill('SIGKILL');
    await run;
  });

  test('only connects when a NATS is named, and leaves that NATS running', async () => {
    const child = spawnCli(['serve', '--start-server', '--server', server.url, '--role', 'scheduler']);
    let stdout = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      child.kill('SIGTERM');
    });
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(stdout).toBe(`sequent ready ${server.url}\n`);
    const doctor = await runCli(['doctor', '-s', server.url, '--json']);
    expect(doctor.code).toBe(1);
    const { findings } = JSON.parse(doctor.stdout);
    expect(findings).toContainEqual(
      expect.objectContaining({ level: 'problem', check: 'scheduler', remedy: expect.stringContaining('sequent serve') }),
    );
  });

  test('refuses an invalid setting, names it, and starts nothing', async () => {
    const settings = [
      ['--nats-port', '70000'],
      ['--role', 'cook'],
      ['--fsync', 'sometimes'],
      ['--lease-ms', 'long'],
    ];
    const data = join(server.dataDir, 'never');
    const runs = await Promise.all(settings.map((flags) => runCli(['serve', '--start-server', '--data', data, ...flags])));
    expect(runs.map(({ code, stdout }) => ({ code, stdout }))).toEqual(settings.map(() => ({ code: 2, stdout: '' })));
    for (const [index, [flag = '']] of settings.entries()) expect(runs[index]?.stderr).toContain(flag);
    expect(existsSync(data)).toBe(false);
  });
});

describe('without a running Sequent', () => {
  const nowhere = 'nats://127.0.0.1:1';

  test('every command exits with 6 when NATS is unreachable, and names the source of the address', async () => {
    const commands = [['serve'], ['invoke', 'hello'], ['result', 'x'], ['timeline', 'x'], ['tail'], ['fn', 'ls'], ['doctor']];
    const runs = await Promise.all(commands.map((command) => runCli(command, { env: { NATS_URL: nowhere } })));
    expect(runs.map(({ code, stdout }) => ({ code, stdout }))).toEqual(commands.map(() => ({ code: 6, stdout: '' })));
    for (const { stderr } of runs) expect(stderr).toContain(`${nowhere}: CONNECTION_REFUSED (the address comes from NATS_URL)`);
  });

  test('a NATS without Sequent is reported differently from an unreachable NATS', async () => {
    await using empty = await startTestServer();
    const { code, stderr } = await runCli(['fn', 'ls', '--json', '-s', empty.url]);
    expect(code).toBe(6);
    expect(JSON.parse(stderr)).toMatchObject({ code: 'NATS_UNAVAILABLE', detail: expect.stringContaining('Sequent does not run on it') });
    const doctor = await runCli(['doctor', '-s', empty.url]);
    expect(doctor.code).toBe(1);
    expect(doctor.stdout).toContain('!! stream INVOCATIONS');
  });

  test('help needs no connection, and goes to stdout', async () => {
    const commands = [[], ['--help'], ['--version'], ['invoke', '--help'], ['fn', 'put', '--help']];
    const runs = await Promise.all(commands.map((command) => runCli(command, { env: { NATS_URL: nowhere } })));
    expect(runs.map(({ code, stderr }) => ({ code, stderr }))).toEqual(commands.map(() => ({ code: 0, stderr: '' })));
  });

  test('a process with an invalid command exits with 2 before it connects, and leaves stdout empty', async () => {
    const commands = [['fn'], ['invok'], ['invoke'], ['invoke', 'x', '--nope'], ['timeline', 'x', '-o', 'yaml'], ['machine', 'coffee']];
    const runs = await Promise.all(commands.map((command) => runCliProcess(command, { env: { NATS_URL: nowhere } })));
    expect(runs.map(({ code, stdout }) => ({ code, stdout }))).toEqual(commands.map(() => ({ code: 2, stdout: '' })));
    expect(runs[1]?.stderr).toContain('Did you mean invoke?');
  });

  test('every help shows examples', async () => {
    const commands = [['serve'], ['invoke'], ['result'], ['timeline'], ['tail'], ['fn', 'put'], ['doctor'], ['machine']];
    const helps = await Promise.all(commands.map((command) => runCli([...command, '--help'])));
    for (const { stdout } of helps) expect(stdout).toContain('Examples:');
  });

  test('machine prints configurations that name their states', async () => {
    const [invocation, delivery] = await Promise.all([runCli(['machine']), runCli(['machine', 'delivery'])]);
    expect(JSON.parse(invocation.stdout)).toMatchObject({ id: 'invocation', initial: 'initial', states: { queued: {}, notified: {} } });
    expect(JSON.parse(delivery.stdout)).toMatchObject({ id: 'delivery', initial: 'pending' });
  });
});
