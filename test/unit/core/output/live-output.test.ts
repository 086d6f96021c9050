import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { functionDefinitionSchema } from '#src/core/functions/definition.ts';
import type { EndedAttempt } from '#src/core/output/attempt-lines.ts';
import { LiveLines } from '#src/core/output/live-lines.ts';
import { type LivePart, livePartsOf, MAX_LIVE_ATTEMPTS, MAX_LIVE_LINES, type PrintedSoFar } from '#src/core/output/live-output.ts';
import { redactByDefault } from '#src/core/output/redaction.ts';
import { SentExecutions } from '#src/hosts/process/sent-executions.ts';
import { Task } from '#src/hosts/process/task.ts';
import { executionOf } from '#test/support/hosts/executions.ts';

const definition = functionDefinitionSchema.parse({ name: 'told', handler: { kind: 'process', file: '/told.mjs', export: 'handler' } });

/** An attempt that prints in chunks, as the host keeps its output. */
function openAttempt(): { print: (text: string) => void; printed: PrintedSoFar } {
  const sent = new SentExecutions();
  const printed = sent.add(new Task(executionOf(definition, { id: 1 }), () => {}));
  return { print: (text) => void sent.print(text), printed };
}

const runningOf = (printed: PrintedSoFar, requestId = 'one') => [{ requestId, attempt: 1, printed }];
function ask(printed: PrintedSoFar, has: number): LivePart | undefined {
  return livePartsOf(runningOf(printed), { function: 'told', after: { 'one#1': has } }, redactByDefault)[0];
}

const ended = (output: string): EndedAttempt => ({
  sequence: 7,
  function: 'told',
  invocation: 'one',
  attempt: 1,
  endedAt: 9,
  output,
  failure: undefined,
});

describe('the output of a running attempt', () => {
  test('gives the lines that the reader does not have, and no line before its end', () => {
    const { print, printed } = openAttempt();
    print('a\nb\r\nc');
    expect(ask(printed, 0)).toEqual({ invocation: 'one', attempt: 1, from: 0, next: 2, lines: ['a', 'b'] });
    expect(ask(printed, 2)).toBeUndefined();
    print('d\n');
    expect(ask(printed, 2)).toMatchObject({ from: 2, next: 3, lines: ['cd'] });
  });

  test('hides a secret that any two chunks hold, and one whose name is a line that the reader has', () => {
    const text = 'start\npassword=hunter2hunter2\nauthorization: Bearer abcdefghijklmnopqrstuvwxyz\n"secret":\n "s3cret-value"\nend\n';
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 6 }), (cuts) => {
        const { print, printed } = openAttempt();
        const shown: string[] = [];
        let has = 0;
        const places = [0, ...cuts.sort((one, other) => one - other), text.length];
        for (const [index, from] of places.slice(0, -1).entries()) {
          print(text.slice(from, places[index + 1]));
          const part = ask(printed, has);
          shown.push(...(part?.lines ?? []));
          has = part?.next ?? has;
        }
        expect(shown).toEqual(redactByDefault(text).split('\n').slice(0, -1));
      }),
    );
  });

  test('shows nothing of a private key, although its lines arrive one after another', () => {
    const { print, printed } = openAttempt();
    const lines = [
      'before',
      '-----BEGIN PRIVATE KEY-----',
      'MIIEvQIBADANBgkqhkiG',
      'c2VjcmV0c2VjcmV0',
      '-----END PRIVATE KEY-----',
      'after',
    ];
    const shown: string[] = [];
    let has = 0;
    for (const line of lines) {
      print(`${line}\n`);
      const part = ask(printed, has);
      shown.push(...(part?.lines ?? []));
      has = part?.next ?? has;
    }
    expect(shown.join('\n')).not.toMatch(/MII|c2V/);
    expect(shown).toContain('before');
    expect(shown.at(-1)).toBe('after');
  });

  test('is bounded: a flood shows its newest lines, and each line that is missing is counted', () => {
    const { print, printed } = openAttempt();
    for (let line = 0; line < 50_000; line += 1) print(`line ${line}\n`);
    const part = ask(printed, 10);
    expect(part?.lines.length).toBeLessThanOrEqual(MAX_LIVE_LINES);
    expect(part?.lines.at(-1)).toBe('line 49999');
    expect(part).toMatchObject({ from: 50_000 - (part?.lines.length ?? 0), next: 50_000 });
    const lines = new LiveLines();
    expect(part && lines.add(part, { function: 'told', at: 5 })[0]).toMatchObject({ leftOut: part?.from, isLive: true });
  });

  test('starts behind the margin of a cut, which may hold the end of a secret', () => {
    const { print, printed } = openAttempt();
    print('-----BEGIN PRIVATE KEY-----\n');
    for (let line = 0; line < 60; line += 1) print(`${'k'.repeat(64)}\n`);
    print('-----END PRIVATE KEY-----\n');
    for (let line = 0; line < 220; line += 1) print(`${line} ${'x'.repeat(60)}\n`);
    expect(printed.isCut).toBe(true);
    expect(ask(printed, 0)?.lines.join('')).not.toContain('kkkk');
  });

  test('of a function is followed for a bounded number of attempts', () => {
    const lines = new LiveLines();
    const partOf = (id: number): LivePart => ({ invocation: `id-${id}`, attempt: 1, from: 0, next: 1, lines: ['x'] });
    for (let id = 0; id < MAX_LIVE_ATTEMPTS; id += 1) expect(lines.add(partOf(id), { function: 'told', at: 1 })).toHaveLength(1);
    expect(lines.add(partOf(MAX_LIVE_ATTEMPTS), { function: 'told', at: 1 })).toEqual([]);
    expect(Object.keys(lines.after())).toHaveLength(MAX_LIVE_ATTEMPTS);
  });
});

describe('the end of an attempt whose lines were shown', () => {
  function shownBefore(text: string): { lines: LiveLines; printed: PrintedSoFar; print: (text: string) => void } {
    const { print, printed } = openAttempt();
    print(text);
    const lines = new LiveLines();
    for (const part of livePartsOf(runningOf(printed), { function: 'told', after: {} }, undefined))
      lines.add(part, { function: 'told', at: 5 });
    return { lines, printed, print };
  }

  test('adds only the lines that followed, and the failure', () => {
    const { lines } = shownBefore('tick\ntick\n');
    const rest = lines.end({ ...ended('tick\ntick\ntick\nlast'), failure: 'Error: broken' });
    expect(rest.map(({ index, text }) => [index, text])).toEqual([
      [2, 'tick'],
      [3, 'last'],
      [4, 'Error: broken'],
    ]);
  });

  test('finds the place of the last line that was shown in a cut tail', () => {
    const all = Array.from({ length: 400 }, (_, line) => `line ${line} ${'x'.repeat(20)}\n`);
    const { lines, printed } = shownBefore(all.slice(0, 350).join(''));
    expect(printed.lines).toBe(350);
    const rest = lines.end(ended(all.join('').slice(-4_096)));
    expect(rest.map(({ index }) => index)).toEqual(Array.from({ length: 50 }, (_, line) => 350 + line));
    expect(rest[0]).not.toHaveProperty('isCut');
  });

  test('is shown whole when nothing of it was seen, and an answer that comes later is dropped', () => {
    const lines = new LiveLines();
    expect(lines.end(ended('a\nb\n')).map(({ text }) => text)).toEqual(['a', 'b']);
    expect(lines.add({ invocation: 'one', attempt: 1, from: 0, next: 1, lines: ['a'] }, { function: 'told', at: 5 })).toEqual([]);
    expect(lines.after()).toEqual({});
  });
});
