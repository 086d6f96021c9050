import { describe, expect, test } from 'vitest';
import { runCli } from '#test/support/cli/cli.ts';
import { fullDisk, lostQuorum } from '#test/support/incidents/servers.ts';
import { whyNoDisk } from '#test/support/nats/cuttable-disk.ts';

/* Situations of the doctor whose servers do not answer afterwards, so that each has servers of its own. */

/** A server is slow to answer that it cannot store, and a cluster notices after ten seconds that its leader has no majority. */
const WITHIN = { timeout: 90_000, interval: 200 };

type Printed = { code: number | null; stderr: string; problems: string[] };

/** The exit code and the problems of the doctor, each with its remedy. */
async function doctor(env: Record<string, string> = {}): Promise<Printed> {
  const { code, stdout, stderr } = await runCli(['doctor', '--json'], { env });
  const { findings = [] } = stdout === '' ? {} : (JSON.parse(stdout) as { findings?: Record<string, string>[] });
  const problems = findings.filter(({ level }) => level === 'problem').map(({ check, seen, remedy }) => `${check}: ${seen}; ${remedy}`);
  return { code, stderr, problems };
}

describe('the doctor tells the truth when', () => {
  test.skipIf(whyNoDisk !== undefined)('the disk of the server is full', { timeout: 240_000 }, async () => {
    const { env, undo } = await fullDisk();
    try {
      const problem =
        /^log: (?:is full and refuses|the log has answered no message for \d+ s).*docs\/operations\.md#full-disk-or-full-log$/;
      await expect.poll(() => doctor(env), WITHIN).toMatchObject({ code: 1, problems: [expect.stringMatching(problem)] });
    } finally {
      await undo();
    }
  });

  test('a cluster lost its quorum: two of three servers ended', { timeout: 240_000 }, async () => {
    const { env, undo } = await lostQuorum();
    const said: string[] = [];
    try {
      const ask = async (): Promise<Printed> => {
        const printed = await doctor(env);
        said.push(...printed.problems);
        return printed;
      };
      const problem = /a cluster may have no leader.*docs\/operations\.md#lost-quorum/s;
      await expect.poll(ask, WITHIN).toMatchObject({ code: 6, stderr: expect.stringMatching(problem) });
      // No stream is missing, and no function is at fault: the servers that hold them are down.
      expect(said.filter((text) => /is missing|^functions: (?!cannot be read)/.test(text))).toEqual([]);
    } finally {
      await undo();
    }
  });
});
