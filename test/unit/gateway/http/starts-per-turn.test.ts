import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createStartsPerTurn } from '#src/gateway/http/starts-per-turn.ts';
import { local, type OpenedApp, openApp } from '#test/support/gateway/opened-app.ts';

const MAX = 4;

/** The projects whose requests started in each turn of the event loop. */
async function startsOf(requests: readonly string[], projects: number): Promise<string[][]> {
  const startInTurn = createStartsPerTurn(MAX, () => projects);
  const turns: string[][] = [[]];
  let isOver = false;
  // Registered before the starts, so that a new turn is counted before the requests that wait for this turn start.
  const count = (): void => {
    turns.push([]);
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const starting = requests.map(async (project) => {
    await startInTurn(project);
    turns.at(-1)?.push(project);
  });
  await Promise.all(starting);
  isOver = true;
  return turns.filter((turn) => turn.length > 0);
}

describe('requests of one turn of the event loop', () => {
  test('start a few of each project, so that no project waits for all of another one (SHARE1)', async () => {
    const turns = await startsOf([...Array(10).fill('a'), 'b'], 2);
    expect(turns[0]?.toSorted()).toEqual(['a', 'a', 'a', 'a', 'b']);
    expect(turns.flat()).toHaveLength(11);
    for (const turn of turns) expect(turn.filter((project) => project === 'a').length).toBeLessThanOrEqual(MAX);
  });

  test('start all at once when one project alone has a credential', async () => {
    expect(await startsOf(Array(10).fill('a'), 1)).toEqual([Array(10).fill('a')]);
  });

  test('reach the routes of a gateway in parts', async () => {
    const credential = (project: string) => ({ project, tokenHash: createHash('sha256').update(`token of ${project}`).digest() });
    const opened = await openApp({ credentials: [credential('p1'), credential('p2')] });
    await opened.registry.put({ name: 'f', handler: { kind: 'inline' } });
    await opened.registry.put({ name: 'p2=f', handler: { kind: 'inline' } });
    const invoke = (project: string) =>
      opened.app.request(local('/api/functions/f/invocations'), {
        method: 'POST',
        headers: { 'x-auth-token': `token of ${project}`, 'content-type': 'application/json' },
        body: '{}',
      });
    const replies = [...Array.from({ length: 100 }, () => invoke('p2')), invoke('p1')];
    const own = (await replies.at(-1)) as Response;
    // The victim's request arrives last. Its answer comes before most requests of the neighbour start.
    expect([own.status, namesOf(opened).filter((name) => name === 'p2=f').length < 50]).toEqual([202, true]);
    expect((await Promise.all(replies)).map(({ status }) => status)).toEqual(Array(101).fill(202));
  });
});

const namesOf = ({ sent }: OpenedApp): string[] => sent.map(({ name }) => name);
