import { STRANGER } from '#test/support/gateway/running-gateway.ts';
import { OTHER, OWN } from '#test/support/matrix/victims.ts';
import { type CodeAttempt, codeFiles } from './code/code-attempts.ts';
import type { Ground, Reply, Sent } from './ground.ts';
import { type HttpAttempt, MINE, wholeBodies } from './http-attempts.ts';

/** What an attempt got, which the judges read. */
export type Outcome = { name: string; status: number; text: string; said: string };

const IN_PARALLEL = 4;
const SECRETS = [OWN, OTHER].flatMap(({ secrets }) => secrets);

/** Sends all attempts over HTTP. The neighbour gets its function again after each route, because an attempt may have deleted it. */
export async function attackOverHttp(ground: Ground, attempts: readonly HttpAttempt[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let index = 0; index < attempts.length; ) {
    const route = routeOf(attempts[index]);
    const end = attempts.findIndex((attempt, at) => at > index && routeOf(attempt) !== route);
    const group = attempts.slice(index, end < 0 ? undefined : end);
    outcomes.push(...(await inParallel(group, (attempt) => sendOne(ground, attempt))));
    index += group.length;
    if (group[0]?.method !== 'GET') await ground.resetMine();
  }
  return outcomes;
}

const routeOf = (attempt: HttpAttempt | undefined): string => attempt?.name.split(' ', 2).join(' ') ?? '';

/** Bodies that are hostile as a whole, for each route that reads a body. */
export async function attackByBodies(ground: Ground): Promise<Outcome[]> {
  const routes = [
    ['PUT', `/api/functions/${MINE.function}`],
    ['POST', `/api/functions/${MINE.function}/invocations`],
    ['POST', `/api/functions/${MINE.function}/batches`],
    ['POST', `/api/functions/${MINE.function}/packages`],
    ['PUT', `/api/functions/${MINE.function}/test-events/first`],
    ['POST', '/api/redrive'],
    ['POST', `/v2/${STRANGER.project}/fgs/functions`],
    ['POST', `/v2/${STRANGER.project}/fgs/functions/${MINE.function}/invocations-async`],
    ['POST', '/api/session'],
  ] as const;
  const all = routes.flatMap(([method, path]) =>
    wholeBodies().map(({ kind, body }) => ({ name: `${method} ${path} with ${kind}`, method, path, headers: {}, body, isStream: false })),
  );
  const outcomes = await inParallel(all, (attempt) => sendOne(ground, attempt));
  await ground.resetMine();
  return outcomes;
}

async function sendOne(ground: Ground, attempt: Sent & { name: string }): Promise<Outcome> {
  // The gateway may close the connection of a body that it refuses before all of it was sent.
  const { status, head, body } = await ground.send(attempt).catch((error: Error) => ({ status: 0, head: '', body: String(error.cause) }));
  return { name: attempt.name, status, text: `${head} ${body}`, said: decoded(`${attempt.path} ${attempt.body ?? ''}`) };
}

/** Uploads the neighbour's code, and runs each of its attempts. Returns the names of those that succeeded. */
export async function attackByCode(
  { send }: Ground,
  attempts: readonly CodeAttempt[],
  code: object = { files: codeFiles },
): Promise<{ succeeded: string[]; outcomes: Outcome[] }> {
  const succeeded: string[] = [];
  const handlers = [...new Set(attempts.map(({ handler }) => handler))];
  const names = new Map(handlers.map((handler, index) => [handler, `attack-${'runtime' in code ? 'python-' : ''}${index}`]));
  for (const [handler, name] of names) {
    const stored = await ok(send({ method: 'POST', path: `/api/functions/${name}/packages`, body: JSON.stringify({ handler, ...code }) }));
    const { handler: made } = JSON.parse(stored.body) as { handler: object };
    const definition = { handler: made, memoryInMb: 128, timeoutInMs: 4_000, policy: { maxRetries: 0 } };
    await ok(send({ method: 'PUT', path: `/api/functions/${name}`, body: JSON.stringify(definition) }));
  }
  const outcomes = await inParallel(attempts, async ({ name, handler, event, succeeds }): Promise<Outcome> => {
    const path = `/api/functions/${names.get(handler)}/invocations`;
    const { status, body } = await send({ method: 'POST', path, headers: { prefer: 'wait=30' }, body: JSON.stringify(event) });
    const { result } = JSON.parse(body) as { result?: { payload?: string } };
    if (status === 200 && !isNotRun(body) && succeeds(result?.payload ?? '')) succeeded.push(`${name}: ${result?.payload?.slice(0, 200)}`);
    return { name, status, text: body, said: JSON.stringify(event) };
  });
  return { succeeded, outcomes };
}

/** Whether the worker refused to run the code, because its machine cannot isolate it. */
export const isNotRun = (text: string): boolean => text.includes('this worker cannot isolate the code of other projects');

async function ok(reply: Promise<Reply>): Promise<Reply> {
  const { status, body } = await reply;
  if (status >= 300) throw new Error(`${status} ${body}`);
  return await reply;
}

/** What a reply tells of the victims beyond what the attempt said. */
export function readIn({ name, text, said }: Outcome): string[] {
  const names = [...text.matchAll(/Xq7(?:own|other)\w*/g)].map(([found]) => found).filter((found) => !said.includes(found));
  return [...SECRETS.filter((secret) => text.includes(secret)), ...names].map((leak) => `${name}: ${leak}`);
}

/** Whether a reply is a defect: a failure that nobody foresaw, a header of the attacker, or markup of the attacker. */
export function isDefect({ status, text, said }: Outcome): boolean {
  const isUnforeseen = status >= 500 && ![501, 503, 504].includes(status);
  const isMarkup = /"content-type","text\/html/.test(text) && said.includes('hostileRan') && text.includes('hostileRan');
  return isUnforeseen || isMarkup || text.includes('["set-cookie","sequent_session=stolen');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function inParallel<Item, Result>(items: readonly Item[], run: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const runner = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) results[index] = await run(items[index] as Item);
  };
  await Promise.all(Array.from({ length: IN_PARALLEL }, runner));
  return results;
}
