import { describe, expect, test } from 'vitest';
import { runCli } from '#test/support/cli/cli.ts';
import { read } from '#test/support/incidents/incident.ts';
import { fullDisk, fullForClients, fullReadModel, lostQuorum } from '#test/support/incidents/servers.ts';
import { whyNoDisk } from '#test/support/nats/disks/cuttable-disk.ts';

/* Situations of the doctor whose servers do not answer afterwards, so that each has servers of its own. */

/** A server is slow to answer that it cannot store, and a cluster notices after ten seconds that its leader has no majority. */
const WITHIN = { timeout: 90_000, interval: 200 };

type Printed = { code: number | null; stderr: string; problems: string[] };

/** The exit code and the problems of the doctor, each with its remedy. */
async function doctor(env: Record<string, string>): Promise<Printed> {
  const { code, stdout, stderr } = await runCli(['doctor', '--json'], { env });
  const { findings = [] } = stdout === '' ? {} : (JSON.parse(stdout) as { findings?: Record<string, string>[] });
  const problems = findings.filter(({ level }) => level === 'problem').map(({ check, seen, remedy }) => `${check}: ${seen}; ${remedy}`);
  return { code, stderr, problems };
}

/** A newer server stores nothing more, and a process notices that by its own messages after ten seconds. */
const FULL =
  /^(?:log|stream OBJ_SEQUENT_PAYLOADS): (?:is full and refuses|.*answered no message for 10 s|stores nothing: no answer).*#full-disk-or-full-log$/;

const NAMED = { cause: true, remedy: true };

describe('the doctor tells the truth when', () => {
  test.skipIf(whyNoDisk !== undefined)(fullDisk.title, { timeout: 240_000 }, async () => {
    const { env = {}, undo } = await fullDisk.plant();
    try {
      await expect.poll(() => doctor(env), WITHIN).toMatchObject({ code: 1, problems: [expect.stringMatching(FULL)] });
      expect(await read(fullDisk, { env })).toMatchObject(NAMED);
    } finally {
      await undo();
    }
  });

  test.skipIf(whyNoDisk !== undefined)(fullForClients.title, { timeout: 240_000 }, async () => {
    const { env = {}, undo } = await fullForClients.plant();
    try {
      await expect.poll(() => doctor(env), WITHIN).toMatchObject({ code: 1, problems: [expect.stringMatching(FULL)] });
      expect(await read(fullForClients, { env })).toMatchObject(NAMED);
    } finally {
      await undo();
    }
  });

  test.skipIf(whyNoDisk !== undefined)(fullReadModel.title, { timeout: 240_000 }, async () => {
    const { env = {}, undo } = await fullReadModel.plant();
    try {
      const problem = /^projection \S+: .*could not follow the log: database or disk is full.*\(df\)/;
      await expect.poll(() => doctor(env), WITHIN).toMatchObject({ code: 1, problems: [expect.stringMatching(problem)] });
      expect(await read(fullReadModel, { env })).toMatchObject(NAMED);
    } finally {
      await undo();
    }
  });

  test(lostQuorum.title, { timeout: 240_000 }, async () => {
    const { env = {}, undo } = await lostQuorum.plant();
    const said: string[] = [];
    try {
      const ask = async (): Promise<Printed> => {
        const printed = await doctor(env);
        said.push(...printed.problems);
        return printed;
      };
      const problem = /a cluster may have no leader.*docs\/operations\.md#lost-quorum/s;
      await expect.poll(ask, WITHIN).toMatchObject({ code: 6, stderr: expect.stringMatching(problem) });
      expect(await read(lostQuorum, { env })).toMatchObject(NAMED);
      // No stream is missing, and no function is at fault: the servers that hold them are down.
      expect(said.filter((text) => /is missing|^functions: (?!cannot be read)/.test(text))).toEqual([]);
    } finally {
      await undo();
    }
  });
});
