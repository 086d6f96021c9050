import { startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { functionSituations } from '#test/support/doctor/function-situations.ts';
import { processSituations } from '#test/support/doctor/process-situations.ts';
import { storeSituations } from '#test/support/doctor/store-situations.ts';
import type { DoctorWorld, Situation } from '#test/support/doctor/world.ts';
import type { Incident, Planted } from './incident.ts';
import { invocationIncidents } from './invocations.ts';
import { fullDisk, fullForClients, fullReadModel, lostQuorum, ofOwnServer } from './servers.ts';

const situations = new Map<string, Situation>(
  [...functionSituations, ...processSituations, ...storeSituations].map((one) => [one.title, one]),
);

/** A situation of the doctor, whose first finding is the cause, and what a person must read to mend it. */
function diagnosed(title: string, remedy: RegExp): Incident {
  const found = situations.get(title);
  if (found === undefined) throw new Error(`there is no situation "${title}"`);
  const [, check = '', seen = /^/] = found.truth[0] ?? [];
  // A line of the doctor has the check before the finding.
  const text = seen.source.replace(/\$$/, '');
  const cause = new RegExp(text.startsWith('^') ? `${check} +${text.slice(1)}` : `${check} .*${text}`);
  return { title, plant: (world) => found.plant(world), cause, remedy };
}

const preload = new URL('../cli/processes/shifted-clock.mjs', import.meta.url).href;

/** A process on a machine whose clock is two days ahead, beyond the limit. */
async function wrongClock({ server, folder }: DoctorWorld): Promise<Planted> {
  const env = { NATS_URL: server.url, SEQUENT_DATA: folder, NODE_OPTIONS: `--import ${preload}`, SHIFTED_CLOCK_MS: String(2 * 86_400_000) };
  const shifted = await startSequent(['--role', 'scheduler'], env);
  return { undo: async () => shifted[Symbol.asyncDispose]() };
}

/** A target that refuses connections until the circuit of the function opens. */
async function openCircuit(world: DoctorWorld): Promise<Planted> {
  const onSuccess = [{ destination: 'HTTP' as const, param: { url: 'https://nobody.invalid/hook' } }];
  const { name, undo } = await world.put('ok', { policy: { maxRetries: 0, onSuccess } });
  const ids = await Promise.all(Array.from({ length: 40 }, async () => (await world.client.invoke(name, {})).requestId));
  for (const id of ids) await world.client.result(id);
  const dismissAll = async (): Promise<void> => {
    for (const id of ids) await world.client.repair.dismiss(id, { note: 'tested' }).catch(() => {});
  };
  return { name, undo: async () => [await dismissAll(), await undo()] };
}

/** The incidents that are situations of the doctor, too: test/matrix/doctor-situations.test.ts plants them. */
export const ofSituations: readonly Incident[] = [
  diagnosed('requests wait for a worker of the users own process', /startWorker\(\) of sequent-functions\/client/),
  diagnosed('a canary fails much more often than its main version', /sequent fn alias (?:rollback|set) NAME live/),
  diagnosed(
    'the function of a destination does not exist',
    /define pager \(sequent fn put\), or: sequent fn set NAME --unset policy\.onFailure/,
  ),
  diagnosed('a schedule has no function', /sequent fn put NAME, or sequent schedule rm nightly/),
  diagnosed('a project has as many open invocations as its quota', /sequent project quota changes the quota/),
  diagnosed('a file of a process cannot be used', /correct the file/),
  diagnosed('a process has no key for a project', /--encryption-key or --encryption-command/),
  // The processes of the bench run what a package contains, whose version differs from that of the sources.
  {
    ...diagnosed('an upgrade is half done', /start the processes of 0\.0\.1 again with/),
    cause: /processes run several versions: .*\b0\.0\.1 \(1\)/,
  },
  diagnosed('the log lost messages', /sequent loss (?:show|acknowledge)|docs\/operations\.md#lost-messages/),
  diagnosed('no worker runs, and requests wait', /sequent serve --role worker/),
  diagnosed('no projection runs', /sequent serve --role projection/),
  diagnosed('no destinations role runs for a function with destinations', /sequent serve --role destinations/),
  diagnosed('a signal stopped all processes', /kill -CONT/),
  diagnosed('the file of the read model is damaged', /examine the disk of that machine/),
  diagnosed(
    'the log is full, and the scheduler keeps its rest for what was accepted',
    /raise the limit .*docs\/operations\.md#full-disk-or-full-log/,
  ),
  diagnosed('somebody let the log delete its oldest messages by hand', /sequent nats-streams/),
];

const ofTheSystem: readonly Incident[] = [
  {
    title: 'the clock of a machine is two days ahead',
    plant: wrongClock,
    cause: /2 d ahead of the server .*: it takes no work/,
    remedy: /synchronise the clock of that machine/,
  },
  {
    title: 'the circuit of a dead target is open',
    plant: openCircuit,
    cause: /the circuit of HTTP https:\/\/nobody\.invalid for NAME is (?:open|half-open)/,
    remedy: /repair the target; .*docs\/operations\.md#dead-target/,
  },
];

/** The incidents that test/matrix/incidents.test.ts plants. */
export const ofIncidents: readonly Incident[] = [...invocationIncidents, ...ofTheSystem, ...ofOwnServer];

/** Every incident of the bench. None disturbs a later one. */
export const incidents: readonly Incident[] = [...ofIncidents, ...ofSituations, fullDisk, fullForClients, fullReadModel, lostQuorum];
