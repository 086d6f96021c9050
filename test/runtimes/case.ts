import { deepStrictEqual as equal, match, ok } from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Driven, drive, type Frame, type Start } from './drive.ts';

/** One promise of docs/runtime-protocol.md. `program` was started and not waited for. */
export type Case = { title: string; start: Start; check: (program: Driven) => Promise<void> };

export const ready = (program: Driven) => program.next('ready');
/** Runs one execution, and gives its result. */
export async function result(program: Driven, event?: unknown, more?: Parameters<Driven['run']>[2]): Promise<Frame> {
  await ready(program);
  program.run(1, event, more);
  return await program.next('returned', 'failed');
}
export const returns = (title: string, name: string, [event, payload]: [unknown, string]): Case => ({
  title,
  start: { export: name },
  check: async (program) => equal((await result(program, event)).slice(0, 3), ['returned', 1, payload]),
});
export type Failure = { kind: string; code: number; errorType: string; message: string; stackTrace: string[] };
export const fails = (title: string, start: Start, expected: { event?: unknown; frame?: string; code: number; message: RegExp }): Case => ({
  title,
  start,
  check: async (program) => {
    const { event, frame = 'failed', code, message } = expected;
    const [type, ...rest] = frame === 'failed' ? await result(program, event) : await program.next(frame);
    const failure = rest[frame === 'failed' ? 1 : 0] as Failure;
    equal([type, failure.kind, failure.code], [frame, 'function', code]);
    match(failure.message, message);
    ok(failure.errorType.length > 0 && failure.errorType.length <= 128);
    ok(Array.isArray(failure.stackTrace) && failure.stackTrace.length <= 32);
  },
});
/** All that an execution printed, in frames and with its result. */
export async function output(program: Driven, event: unknown): Promise<string> {
  const [, , , last] = await result(program, event);
  return program.frames.reduce((text, frame) => text + (frame[0] === 'printed' ? frame[1] : ''), '') + String(last);
}
export async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sequent-runtime-'));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}

/** A program that the kit drives. */
export type Tested = {
  /** The program and its arguments; of an executable, they depend on the file of the function. */
  command: readonly string[] | ((file: string) => readonly string[]);
  /** The file with the functions of the kit. */
  file: string;
  translate?: ((frame: Frame) => Frame) | undefined;
};

export function driveTested({ command, file, translate }: Tested, start: Start): Driven {
  const spec = { file, ...start };
  return drive(typeof command === 'function' ? command(spec.file) : command, spec, translate);
}

/** Runs one case; why it failed, or `undefined`. */
export async function runCase({ start, check }: Case, tested: Tested): Promise<string | undefined> {
  await using program = driveTested(tested, start);
  try {
    await check(program);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
