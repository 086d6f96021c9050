import { configureGlobal } from 'fast-check';
import { seedOfRun } from '#test/support/seeded-random.ts';

// fast-check takes its cases from the seed of the run, so that a run can be repeated.
configureGlobal({ seed: seedOfRun() });
