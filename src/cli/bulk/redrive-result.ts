import { say } from '#src/cli/texts/say.ts';
import type { Performed } from './in-bulk.ts';

/** What a bulk command shows for an invocation that it redrives. `redrive` is `undefined` when another caller redrove the invocation. */
export function resultOfRedrive(redrive: string | undefined, json: object = {}): Performed {
  if (redrive === undefined) return { note: say('was redriven before, and is left out'), json: { leftOut: true }, isLeftOut: true };
  return { note: say('runs again as {id}', { id: redrive }), json: { redrive, ...json } };
}
