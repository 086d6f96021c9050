import { text } from 'node:stream/consumers';
import { getHeapSnapshot } from 'node:v8';
import { type CrowdedPools, openCrowdedPools } from './crowded-pools.ts';

/*
 * Fills schedulers with the crowds of the arguments, and prints how many requests wait in each and which large objects exist only then.
 *
 * A program of its own: a snapshot of a process that ran hundreds of other tests contains all that these left.
 */

/** A chunk of the rows of streams has 128 KiB. An array or map with a value for each request that waits, or for each key, is larger. */
const LARGEST_BYTES = 132_000;

export type CrowdsToFill = { waiting: number; crowds: readonly (readonly [flow: CrowdedPools['flow'], keys: number])[] };
export type Growth = { sizes: number[]; grown: string[] };

type Snapshot = { nodes: number[]; strings: string[]; snapshot: { meta: { node_fields: string[]; node_types: [string[]] } } };

/** The large objects of this process by their ids, which an object keeps. Code is none of them: V8 compiles a function when it is often called. */
async function largeObjects(): Promise<Map<number, string>> {
  const { nodes, strings, snapshot } = JSON.parse(await text(getHeapSnapshot())) as Snapshot;
  const { node_fields: fields, node_types: types } = snapshot.meta;
  const [type, id, size, name] = [fields.indexOf('type'), fields.indexOf('id'), fields.indexOf('self_size'), fields.indexOf('name')];
  const code = types[0].indexOf('code');
  const found = new Map<number, string>();
  for (let at = 0; at < nodes.length; at += fields.length) {
    const bytes = nodes[at + size] ?? 0;
    if (bytes > LARGEST_BYTES && nodes[at + type] !== code)
      found.set(nodes[at + id] ?? 0, `${strings[nodes[at + name] ?? 0]} of ${bytes} bytes`);
  }
  return found;
}

const { waiting, crowds } = JSON.parse(process.argv[2] ?? '') as CrowdsToFill;
const before = await largeObjects();
const filled = crowds.map(([flow, keys]) => openCrowdedPools({ flow, functions: 1, keys, places: 64 }));
for (const pools of filled) {
  for (let number = 0; number < waiting; number++) pools.enqueue(number);
  for (let turn = 0; turn < 5; turn++) {
    pools.turn();
    await new Promise(setImmediate);
  }
}
const after = await largeObjects();
const grown = [...after].filter(([id]) => !before.has(id)).map(([, what]) => what);
const growth: Growth = { sizes: filled.map(({ streams }) => streams.size), grown };
for (const pools of filled) pools.close();
process.stdout.write(JSON.stringify(growth));
