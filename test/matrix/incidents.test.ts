import { describe, expect } from 'vitest';
import { openDoctorWorld } from '#test/support/doctor/world.ts';
import { score } from '#test/support/incidents/incident.ts';
import { incidents, ofIncidents } from '#test/support/incidents/incidents.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

/* Other tests of the doctor plant the other incidents of the bench (`npm run bench:incidents`): each incident is planted once. */

const test = sharedByFile(openDoctorWorld);

describe('doctor or explain names the cause and the remedy when', () => {
  for (const incident of ofIncidents)
    test(incident.title, async ({ sequent: world }) => {
      expect(await score(world, incident)).toMatchObject({ cause: true, remedy: true });
    });
});

test('the bench has 42 incidents', () => {
  expect(new Set(incidents.map(({ plant }) => plant)).size).toBe(42);
});
