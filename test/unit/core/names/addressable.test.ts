import { describe, expect, test } from 'vitest';
import { createHandlerRules } from '#src/core/functions/handler-rules.ts';
import { createSubjectRules, disStreamFor, isReserved } from '#src/core/names/addressable.ts';
import { SEQUENT_SUBJECTS, subjects } from '#src/core/names/subjects.ts';

/** A literal subject for each of Sequent's patterns, and some subjects of the server. */
const forbidden = [
  ...Object.values(SEQUENT_SUBJECTS).map((pattern) => pattern.replaceAll(/[*>]/g, 'x')),
  ...[
    'history.rebuild.x',
    'history.list',
    '$JS.API.STREAM.DELETE.INVOCATIONS',
    '$KV.SEQUENT_FUNCTIONS.f',
    '$SRV.PING',
    '$SYS.REQ.USER.INFO',
  ],
  ...['_INBOX.x', '_R_.x', '_GR_.x'],
];
const rules = createSubjectRules();

test('every subject of Sequent has a pattern, and its first token is reserved', () => {
  expect(Object.keys(SEQUENT_SUBJECTS)).toEqual(Object.keys(subjects));
  expect(forbidden.filter((subject) => !isReserved(subject))).toEqual([]);
});

describe('the subjects that a function may address', () => {
  test.each(forbidden)('%s is refused for every project, and the refusal names an alternative', (subject) => {
    const refusal = `subject "${subject}" is reserved for Sequent or the NATS server (rule U1); use a subject below`;
    expect(rules.refuse(subject, 'own')).toBe(`${refusal} "fn."`);
    expect(rules.refuse(subject, 'b=x')).toBe(`${refusal} "fn.b."`);
    const granted = createSubjectRules([{ project: 'b', prefix: subject.split('.')[0] ?? '' }]);
    expect(granted.refuse(subject, 'b=x')).toBe(`${refusal} "fn.b."`);
  });

  test.each(['images.thumbs', 'orders', 'fn.a.x', 'invoked.x', 'Invoke.x', 'заказы.готово'])('%s is open to the own project', (subject) => {
    expect(rules.refuse(subject, 'own')).toBeUndefined();
  });

  test('of another project are those below fn.<project>., and no similar ones', () => {
    expect(rules.refuse('fn.b.x', 'b=f')).toBeUndefined();
    expect(rules.refuse('fn.b.x.y', 'b=f')).toBeUndefined();
    for (const subject of ['fn.b', 'fn.bb.x', 'fn.c.x', 'fn.B.x', 'fn', 'images.thumbs', 'b.x'])
      expect(rules.refuse(subject, 'b=f')).toContain(`project b may not address subject "${subject}" (rule U1)`);
  });

  test('of a grant are the granted subject and those below it, for that project alone', () => {
    const granted = createSubjectRules([{ project: 'b', prefix: 'images.small' }]);
    expect(granted.refuse('images.small', 'b=f')).toBeUndefined();
    expect(granted.refuse('images.small.x', 'b=f')).toBeUndefined();
    for (const [subject, name] of [
      ['images.smaller', 'b=f'],
      ['images', 'b=f'],
      ['images.small', 'c=f'],
    ] as const)
      expect(granted.refuse(subject, name)).toMatch(/^project . may not address/);
  });

  test.each(['fn.b.*', 'fn.b.>', 'fn.b..x', 'fn.b.', 'fn.b.x\r\nPUB invoke.a 0', 'fn.b. x', `fn.b.${'x'.repeat(300)}`, ''])(
    'are literal subjects: %j is none',
    (subject) => {
      expect(rules.refuse(subject, 'b=f')).toMatch(/is no subject that a message can be sent to$/);
      expect(rules.refuse(subject, 'own')).toMatch(/is no subject that a message can be sent to$/);
    },
  );

  test('are never those of the own project for a name that contains a project mark', () => {
    for (const name of ['=x', 'b=', 'b=x y', 'b=c=d']) expect(rules.refuse('images.thumbs', name)).toBeDefined();
  });
});

test('the subject of another project’s DIS stream equals no subject of the own project’s streams', () => {
  expect([disStreamFor('f', 'orders'), disStreamFor('b=f', 'orders')]).toEqual(['orders', 'b=orders']);
});

describe('a file of the worker', () => {
  const handler = (file: string, more = {}) => ({ kind: 'process', file, export: 'handler', ...more }) as const;
  const granted = createHandlerRules({ files: [{ project: 'b', folder: '/srv/b' }] });

  test('is a handler for the own project, and for other projects only below a granted folder', () => {
    expect(granted.refuse({ name: 'own' as never, handler: handler('/etc/x.mjs') })).toBeUndefined();
    expect(granted.refuse({ name: 'b=f' as never, handler: handler('/srv/b/x/y.mjs') })).toBeUndefined();
    for (const file of ['/etc/x.mjs', '/srv/bb/x.mjs', '/srv/b', '/srv/b/../a/x.mjs', 'srv/b/x.mjs', 'file:///srv/b/x.mjs'])
      expect(granted.refuse({ name: 'b=f' as never, handler: handler(file) })).toMatchObject({
        field: 'handler.file',
        problem: expect.stringContaining('ask the operator for --files b=<folder>'),
      });
    expect(granted.refuse({ name: 'c=f' as never, handler: handler('/srv/b/x.mjs') })).toBeDefined();
  });

  test('is not concerned by a path in a package, which every project may use', () => {
    expect(granted.refuse({ name: 'c=f' as never, handler: handler('index.js', { package: 'a'.repeat(128) }) })).toBeUndefined();
  });
});
