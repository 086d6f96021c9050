import { describe, expect, test } from 'vitest';
import { findSqlite } from '#src/projection/store/sqlite.ts';

/** Claims for the SQLite of every runtime. CI runs this file on a Node with `node:sqlite` and on one without. */
const open = await findSqlite();

describe('the SQLite of this runtime', () => {
  test('returns the columns of a row in the order of the query, whatever their names are', () => {
    const database = open(':memory:');
    const statement = database.prepare('select 1 as a, 2 as a, 3 as "2", ? as "1"');
    expect(statement.all(['x'])).toEqual([[1, 2, 3, 'x']]);
    expect(statement.get(['x'])).toEqual([1, 2, 3, 'x']);
    database.close();
  });

  test('returns every kind of value as it was stored', () => {
    const database = open(':memory:');
    database.exec('create table kinds (value)');
    const values = ['text', '', 1, -1.5, Number.MAX_SAFE_INTEGER, null, new Uint8Array([0, 255])];
    const insert = database.prepare('insert into kinds values (?)');
    for (const value of values) insert.run([value]);
    const found = database.prepare('select value from kinds order by rowid').all();
    expect(found.map(([value]) => (value instanceof Uint8Array ? new Uint8Array(value) : value))).toEqual(values);
    database.close();
  });

  test('returns undefined for a row that does not exist', () => {
    const database = open(':memory:');
    expect(database.prepare('select 1 where 0').get()).toBeUndefined();
    database.close();
  });

  test('can be closed twice', () => {
    const database = open(':memory:');
    database.close();
    expect(() => database.close()).not.toThrow();
  });
});
