import { setTimeout as delay } from 'node:timers/promises';
import { TOKEN } from '#test/support/gateway/running-gateway.ts';
import { packageAttempts } from './code/package-attempts.ts';
import type { Sent } from './ground.ts';
import { json, many, neverRead, type ServiceAttempt, statuses } from './service-attempt.ts';

const victims = `acme=Xq7otherdone`;
/** Texts with two meanings: JSON with equal keys, and names that only look like others. */
const ambiguous: ServiceAttempt[] = [
  {
    name: 'a definition with the key handler twice',
    async run({ send }) {
      const own = '{"kind":"inline"}';
      const foreign = `{"kind":"subject","subject":"fn.acme.done"}`;
      const replies = [
        await send(json('PUT', '/api/functions/twice', `{"handler":${own},"handler":${foreign}}`)),
        await send(json('PUT', '/api/functions/twice', `{"handler":${own},"h\\u0061ndler":${foreign}}`)),
      ];
      return replies.some(({ status }) => status < 300) ? statuses(replies) : undefined;
    },
  },
  {
    name: 'a schedule whose event and function stand twice',
    async run({ send }) {
      await send(json('PUT', '/api/functions/target', { handler: { kind: 'inline' } }));
      const body = `{"cron":"0 0 1 1 *","function":"target","f\\u0075nction":"${victims}","event":{"a":1},"ev\\u0065nt":"x"}`;
      await send(json('PUT', '/api/schedules/twice', body));
      const { body: found } = await send({ method: 'GET', path: '/api/schedules/twice' });
      return found.includes('Xq7other') ? found : undefined;
    },
  },
  {
    name: 'names that fold into those of another project',
    async run({ send }) {
      const names = [
        'acme＝Xq7otherdone',
        'acme%3DXq7otherdone',
        'acme%253DXq7otherdone',
        'acme=Xq7otherdone%00',
        'Xq7otherdone%e2%80%8b',
        '%2e%2e',
      ];
      const replies = await Promise.all(names.map((name) => send(json('PUT', `/api/functions/${name}`, { handler: { kind: 'inline' } }))));
      return replies.some(({ status }) => status < 300) ? statuses(replies) : undefined;
    },
  },
  {
    name: 'an event whose keys are those of the envelope',
    async run({ send }) {
      const event =
        '{"batch":[1],"request_context":{"function_urn":"urn:fss:local:acme:function:default:Xq7otherdone"},"__proto__":{"project":"acme"}}';
      const { body } = await send({ ...json('POST', '/api/functions/mine/invocations', event), headers: { prefer: 'wait=10' } });
      return (JSON.parse(body) as { function?: string }).function === 'mine' ? undefined : body;
    },
  },
];

const query = (sql: string, more: object = {}): Sent => json('POST', '/api/sql', { sql, ...more });

/** Queries in SQL that read what is not theirs, or take processors and memory. */
const queries: ServiceAttempt[] = [
  {
    name: 'SQL that names what the tables are made of',
    async run({ send }) {
      const texts = [
        'select * from sqlite_master',
        'select * from "sqlite_master"',
        "select * from 'sqlite_schema'",
        'select * from [sqlite_temp_master]',
        'select * from main . invocations where function like "%other%" or function like "%own%"',
        'select * from pragma_database_list',
        "select * from pragma_table_info('invocations')",
        'select * from dbstat',
        "select readfile('/etc/passwd')",
        "select writefile('/tmp/neighbour-sql-was-here', 'x')",
        "select load_extension('/tmp/x.so')",
        "attach '/tmp/neighbour-sql-was-here' as x",
        "vacuum into '/tmp/neighbour-sql-was-here'",
        'with x as (select 1) insert into invocations select * from invocations',
        'select 1; pragma query_only=0; delete from invocations',
        "select edit('x'), fts3_tokenizer('x', 'y')",
        'select/**/*/**/from/**/sqlite_master',
        'select * from "main"."sqlite_master" -- \u0000',
        'select json_extract(payload, "$") from invocations',
        'select function from invocations union select name from temp.sqlite_master',
      ];
      const replies = await Promise.all(texts.map((sql) => send(query(sql))));
      const leaked = replies.filter(({ body }) => /Xq7|Zk9|root:x|CREATE TABLE/.test(body));
      return leaked.length === 0 ? undefined : leaked.map(({ body }) => body.slice(0, 200)).join('\n');
    },
  },
  ...[
    ['without an end', 'with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n'],
    [
      'that join lists with themselves',
      `select count(*) from json_each('[${'1,'.repeat(5_000)}1]') a, json_each('[${'1,'.repeat(5_000)}1]') b`,
    ],
    ['with a huge value', "select printf('%.*c', 400000000, 'x')"],
    [
      'with huge values in many columns',
      `select ${Array.from({ length: 20 }, (_, index) => `printf('%.*c', 20000000, 'x') c${index}`).join(',')}`,
    ],
    ['with a pattern that backtracks', `select '${'a'.repeat(10_000)}' like '${'%a'.repeat(4_000)}b'`],
    [
      'with a sort of all memory',
      'with recursive n(i) as (select 1 union all select i + 1 from n limit 50000000) select i from n order by i desc limit 1',
    ],
  ].map(
    ([what = '', sql = '']): ServiceAttempt => ({
      name: `SQL ${what}, three times at once`,
      async run({ send }) {
        const asked = many(3, () => send(query(sql, { within_ms: 1_500 })));
        // The victim asks meanwhile, and is answered.
        const own = await send(query('select count(*) from invocations'), TOKEN);
        const replies = await asked;
        if (own.status !== 200) return `the victim got ${own.status} ${own.body}`;
        return replies.some(({ status }) => status >= 500) ? replies.map(({ body }) => body).join('\n') : undefined;
      },
    }),
  ),
];

/** Requests that stay, each of which takes a place. */
const waiters: ServiceAttempt[] = [
  {
    name: 'all places for calls that wait',
    async run({ send }) {
      await send(json('PUT', '/api/functions/paused', { handler: { kind: 'inline' }, paused: true }));
      const closing = new AbortController();
      const waiting = many(900, () =>
        send({ ...json('POST', '/api/functions/paused/invocations', '{}'), headers: { prefer: 'wait=60' }, signal: closing.signal }).catch(
          () => undefined,
        ),
      );
      await delay(2_000);
      const own = await send({ ...json('POST', '/api/functions/beat/invocations', '{}'), headers: { prefer: 'wait=10' } }, TOKEN);
      closing.abort();
      await waiting;
      return own.status === 200 ? undefined : `the victim got ${own.status} ${own.body}`;
    },
  },
  {
    name: 'all event streams, and questions for the output of attempts that print without end',
    async run(ground) {
      const { send } = ground;
      const sockets = await many(450, () => neverRead(ground, '/api/functions/mine/logs/stream'));
      await delay(1_000);
      const own = await send({ method: 'GET', path: '/api/functions/beat/logs/stream', isStream: true }, TOKEN);
      for (const socket of sockets) socket.destroy();
      return own.status === 200 ? undefined : `the victim got ${own.status} ${own.body}`;
    },
  },
  {
    name: 'batches whose lines never end',
    async run(ground) {
      const head = { 'transfer-encoding': 'chunked', 'content-type': 'application/x-ndjson' };
      const sockets = await many(300, () => neverRead(ground, '/api/functions/mine/batches', 'POST', head));
      await delay(1_000);
      const own = await ground.send({ ...json('POST', '/api/functions/beat/batches', '{}\n') }, TOKEN);
      for (const socket of sockets) socket.destroy();
      return own.status < 300 ? undefined : `the victim got ${own.status} ${own.body}`;
    },
  },
  {
    name: 'keys of a flow, each with a rate of its own',
    async run({ send }) {
      const flow = { key: '$.key', rate: { limit: 1, per: '1d' } };
      const put = await send(json('PUT', '/api/functions/keyed', { handler: { kind: 'inline' }, flow }));
      const lines = Array.from({ length: 5_000 }, (_, index) => JSON.stringify({ key: `${index}${'x'.repeat(200)}` })).join('\n');
      await send(json('POST', '/api/functions/keyed/batches', lines));
      const own = await send({ method: 'GET', path: '/api/flow' }, TOKEN);
      return put.status >= 500 || own.status !== 200 ? `${put.status}, and the victim got ${own.status}` : undefined;
    },
  },
];

export const serviceAttempts: readonly ServiceAttempt[] = [...ambiguous, ...queries, ...packageAttempts, ...waiters];
