import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { runSql } from '#src/projection/sql/run-sql.ts';
import { sqlTables } from '#src/projection/sql/tables.ts';
import { createTables } from '#src/projection/store/schema.ts';
import { findSqlite } from '#src/projection/store/sqlite.ts';

const open = await findSqlite();
const folder = mkdtempSync(join(tmpdir(), 'sequent-sql-'));
const file = join(folder, 'history-1.db');
const secret = join(folder, 'secret.txt');
afterAll(() => rmSync(folder, { recursive: true }));

{
  const database = open(file);
  database.exec(`PRAGMA journal_mode=WAL; ${createTables}`);
  const rows = [
    [1, 'own-1', 'orders', 'FAIL'],
    [2, 'shop-1', 'shop=orders', 'SUCCESS'],
    [3, 'rival-1', 'rival=orders', 'SUCCESS'],
    [4, 'shopper-1', 'shopper=orders', 'FAIL'],
  ] as const;
  for (const [seq, id, fn, status] of rows) {
    database
      .prepare('INSERT INTO invocations(seq, id, function, status, error) VALUES (?, ?, ?, ?, ?)')
      .run([seq, id, fn, status, `error of ${id}`]);
    database.prepare('INSERT INTO deliveries(invocation, destination, reason) VALUES (?, ?, ?)').run([seq, 'http-0', `reason of ${id}`]);
    database.prepare('INSERT INTO appends(request_sequence, sequence, body) VALUES (?, ?, ?)').run([seq, seq, `payload of ${id}`]);
  }
  database.exec("INSERT INTO error_words(rowid, text) VALUES (3, 'rival')");
  database.close();
}
writeFileSync(secret, 'the secret of a file');

const ask = (sql: string, project?: string, limit = 100) => runSql(open, file, { sql, project, limit, withinMs: 1_000 });

describe('sequent sql', () => {
  test('answers from the documented tables, with their columns', () => {
    for (const [name, { columns }] of Object.entries(sqlTables)) expect(ask(`select * from ${name}`).columns).toEqual(Object.keys(columns));
    expect(ask('SELECT id, function FROM invocations ORDER BY id').rows).toEqual([
      ['own-1', 'orders'],
      ['rival-1', 'rival=orders'],
      ['shop-1', 'shop=orders'],
      ['shopper-1', 'shopper=orders'],
    ]);
    expect(ask('with f(x) as (select id from invocations) select count(*) from f; ').rows).toEqual([[4]]);
    expect(ask("select json_extract('{\"a\":1}', '$.a') + 1 >= 2 as yes, 'it''s' || \"id\" from invocations limit 1").columns[0]).toBe(
      'yes',
    );
  });

  test('of a project sees the rows of the project alone, by the names that it knows', () => {
    for (const [project, id] of [
      ['shop', 'shop-1'],
      ['rival', 'rival-1'],
      ['', 'own-1'],
    ] as const) {
      expect(ask('select id, function from invocations', project).rows).toEqual([[id, 'orders']]);
      expect(ask('select invocation, function, reason from deliveries', project).rows).toEqual([[id, 'orders', `reason of ${id}`]]);
    }
    expect(ask('select count(*) from invocations', 'nobody').rows).toEqual([[0]]);
  });

  test('is cut at its limit of rows, and at its limit of bytes', () => {
    expect(ask('select id from invocations', undefined, 2)).toMatchObject({ rows: { length: 2 }, isCut: true });
    const large = ask(
      "select printf('%01000d', n) from (with recursive c(n) as (select 1 union all select n + 1 from c limit 100000) select n from c)",
      undefined,
      10_000,
    );
    expect(large.isCut).toBe(true);
    expect(JSON.stringify(large).length).toBeLessThan(600_000);
  });

  const attacks = (path: string) => [
    `ATTACH '${path}' AS x`,
    `select 1; ATTACH '${path}' AS x`,
    `/* select */ ATTACH '${path}' AS x`,
    'PRAGMA query_only=0',
    'select * from pragma_database_list',
    'select * from "pragma_database_list"',
    "select * from 'pragma_database_list'",
    'select * from main.sqlite_master',
    'select * from [sqlite_schema]',
    'select * from temp.sqlite_temp_master',
    "select load_extension('x')",
    'select "load_extension"(\'x\')',
    `select readfile('${secret}')`,
    `select [readfile]('${secret}')`,
    `select readfile /* */ ('${secret}')`,
    `select \`readfile\`\n('${secret}')`,
    `select writefile('${folder}/written', 'x')`,
    `select * from fsdir('${folder}')`,
    `select * from FsDir where path = '${folder}'`,
    "select * from sqlite_dbpage('main')",
    "select * from dbstat('main')",
    'select * from appends',
    'select * from main.appends',
    'select * from "appends"',
    'select * from error_words',
    'select * from error_words_content',
    "select fts3_tokenizer('simple')",
    "VACUUM INTO 'copy.db'",
    `select edit('${secret}')`,
    'with a as (select 1) delete from invocations',
    'with a as (select 1) insert into invocations(id) select * from a',
    'explain select 1',
    'create table x(a)',
    'select "unclosed',
    'select 1 /* unclosed',
    'select 1\u0000; select 2',
    'select randomblob(1000000000)',
    "select length(group_concat(x, '')) from (with recursive c(x) as (select hex(printf('%01000000d', 1)) union all select x from c limit 2000) select x from c)",
  ];

  test('is refused for every attack, of the operator and of a project, and shows nothing', () => {
    const before = readdirSync(folder).filter((name) => !/-(?:wal|shm)$/.test(name));
    for (const project of [undefined, 'shop'])
      for (const sql of attacks(file)) {
        let found: unknown;
        try {
          found = ask(sql, project);
        } catch (error) {
          found = error;
        }
        expect({ sql, project, found }).toMatchObject({ found: { code: 'INVALID_INPUT' } });
        expect(String(found)).not.toMatch(/rival|the secret of|payload of|s[0-9a-f]{32}/);
      }
    expect(readdirSync(folder).filter((name) => !/-(?:wal|shm)$/.test(name))).toEqual(before);
    expect(ask('select count(*) from invocations').rows).toEqual([[4]]);
  });

  test('of a project cannot reach another one by any schema or any table that SQLite lists', () => {
    const schemas = ['main', 'temp', 'src', 'file'];
    const tables = [
      'invocations',
      'deliveries',
      'appends',
      'problems',
      'erasures',
      'clock',
      'checkpoint',
      'payload_words',
      'error_words_data',
    ];
    for (const schema of schemas)
      for (const table of tables) {
        let text = '';
        try {
          text = JSON.stringify(ask(`select * from ${schema}.${table}`, 'shop'));
        } catch (error) {
          text = String(error);
        }
        expect(text, `${schema}.${table}`).not.toMatch(/rival-1|own-1|shopper-1/);
      }
    expect(ask('select count(*) from invocations a, invocations b, deliveries', 'shop').rows).toEqual([[1]]);
  });
});
