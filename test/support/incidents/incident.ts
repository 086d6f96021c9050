import { runCli } from '#test/support/cli/cli.ts';
import type { DoctorWorld } from '#test/support/doctor/world.ts';

/** What is planted, on real servers and processes. */
export type Planted = {
  /** The function of the incident, `NAME` in the texts. */
  name?: string;
  /** The invocation that a person asks about, `ID` in the texts: `sequent explain` is run for it, too. */
  id?: string;
  /** How the commands connect, instead of to the system of the bench. */
  env?: Record<string, string>;
  undo(): Promise<unknown>;
};

/** An incident, and what a person must read in `sequent doctor` or `sequent explain`: the cause and the remedy. */
export type Incident = { title: string; plant(world: DoctorWorld): Promise<Planted>; cause: RegExp; remedy: RegExp };

export type Score = { title: string; cause: boolean; remedy: boolean; printed: string };

/** A wait, a retry or a new process shows after some seconds. */
const WITHIN_MS = 30_000;
const AGAIN_AFTER_MS = 250;

/** Plants an incident, scores what the commands print, and undoes it. A cause that stands there before the incident is planted does not count. */
export async function score(world: DoctorWorld, incident: Incident): Promise<Score> {
  const before = await print({ env: settingsOf(world) });
  const { undo, ...planted } = await incident.plant(world);
  try {
    return await read(incident, { env: settingsOf(world), ...planted }, before);
  } finally {
    await undo();
  }
}

/** How a command connects to the system of the bench. */
export const settingsOf = ({ server, folder }: DoctorWorld): Record<string, string> => ({ NATS_URL: server.url, SEQUENT_DATA: folder });

type Asked = Omit<Planted, 'undo'> & { env: Record<string, string> };

/**
 * Scores what the commands print of a planted incident, without any model: a cause or a remedy is named when its text stands there within half
 * a minute.
 */
export async function read({ title, cause, remedy }: Incident, planted: Asked, before = ''): Promise<Score> {
  const named = (pattern: RegExp): RegExp =>
    new RegExp(pattern.source.replaceAll('NAME', planted.name ?? '').replaceAll('ID', planted.id ?? ''), pattern.flags);
  const deadline = performance.now() + WITHIN_MS;
  for (;;) {
    const printed = await print(planted);
    const found = { title, cause: named(cause).test(printed) && !named(cause).test(before), remedy: named(remedy).test(printed), printed };
    if ((found.cause && found.remedy) || performance.now() > deadline) return found;
    await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER_MS));
  }
}

/** What a person reads who runs both commands. */
async function print({ id, name, env }: Asked): Promise<string> {
  const commands = [['doctor'], ...(id === undefined ? [] : [['explain', id, ...(name === undefined ? [] : ['--function', name])]])];
  let text = '';
  for (const command of commands) {
    const { stdout, stderr } = await runCli(command, { env });
    text += `${stdout}${stderr}\n`;
  }
  return text;
}

/** The line of an incident in the table, with what was printed where something is missing. */
export function lineOf({ title, cause, remedy, printed }: Score): string {
  const named = (isNamed: boolean): string => (isNamed ? 'named  ' : 'MISSING');
  const line = `cause ${named(cause)}  remedy ${named(remedy)}  ${title}`;
  return cause && remedy ? line : `${line}\n${printed.trimEnd().replaceAll(/^/gm, '    | ')}`;
}

/** The last line of the table: how many incidents have both. */
export function verdictOf(scores: readonly Pick<Score, 'cause' | 'remedy'>[]): string {
  return `${scores.filter(({ cause, remedy }) => cause && remedy).length} of ${scores.length}`;
}
