import { setup as buildOnce } from '#test/support/cli/processes/built-modules.ts';
import { openDoctorWorld } from '#test/support/doctor/world.ts';
import { lineOf, type Score, score, verdictOf } from '#test/support/incidents/incident.ts';
import { incidents } from '#test/support/incidents/incidents.ts';

/*
 * npm run bench:incidents -- [text]
 *
 * Plants incidents on real servers and processes, and counts those whose cause and remedy `sequent doctor` and `sequent explain` print.
 */

/** Of 40 incidents, so many must be named. */
const MUST_BE_NAMED = 0.95;

const [text = ''] = process.argv.slice(2);
const chosen = incidents.filter(({ title }) => title.includes(text));
const clean = await buildOnce();
try {
  await using world = await openDoctorWorld();
  const scores: Score[] = [];
  for (const incident of chosen) {
    const found = await score(world, incident);
    scores.push(found);
    process.stdout.write(`${lineOf(found)}\n`);
  }
  process.stdout.write(`${verdictOf(scores)}\n`);
  if (scores.filter(({ cause, remedy }) => cause && remedy).length < MUST_BE_NAMED * scores.length) process.exitCode = 1;
} finally {
  clean();
}
