import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { functionSituations } from '#test/support/doctor/function-situations.ts';
import { processSituations } from '#test/support/doctor/process-situations.ts';
import { storeSituations } from '#test/support/doctor/store-situations.ts';
import { type DoctorWorld, openDoctorWorld } from '#test/support/doctor/world.ts';
import { read, settingsOf } from '#test/support/incidents/incident.ts';
import { ofSituations } from '#test/support/incidents/incidents.ts';

/** A wait, a retry or a new process shows after some seconds. One run of the doctor asks processes that do not answer for ten seconds, several times. */
const WITHIN = { timeout: 60_000, interval: 200 };
const HEALTHY = { found: [], exit: 0 };

describe('the doctor tells the truth when', () => {
  let world: DoctorWorld;
  beforeAll(async () => {
    world = await openDoctorWorld();
  }, 60_000);
  afterAll(() => world[Symbol.asyncDispose](), 60_000);

  for (const { title, plant, truth, exit, laterInMs } of [...functionSituations, ...processSituations, ...storeSituations])
    test(title, { timeout: 240_000 }, async () => {
      await expect.poll(() => world.diagnose(), WITHIN).toEqual(HEALTHY);
      const { name = '', undo } = await plant(world);
      try {
        const named = (text: string): string => text.replaceAll('NAME', name);
        const expected = {
          exit,
          found: truth.map(([level, check, seen]) =>
            expect.objectContaining({
              level,
              check: expect.stringMatching(new RegExp(`^${named(check)}$`)),
              seen: expect.stringMatching(new RegExp(named(seen.source))),
            }),
          ),
        };
        await expect.poll(() => world.diagnose(laterInMs), WITHIN).toEqual(expected);
        const incident = ofSituations.find((one) => one.title === title);
        if (incident === undefined) return;
        expect(await read(incident, { name, env: settingsOf(world) })).toMatchObject({ cause: true, remedy: true });
      } finally {
        await undo();
      }
    });
});
