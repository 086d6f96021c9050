import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { PROTOCOL } from '#src/hosts/process/child-frames.ts';

export type Frame = [type: string, ...rest: unknown[]];
export type Start = { export: string; initializer?: string; file?: string; maxResultBytes?: number; definition?: object };

/** A program that runs functions, driven as a worker drives it: docs/runtime-protocol.md. */
export interface Driven extends AsyncDisposable {
  readonly pid: number;
  send(...frame: Frame): void;
  run(id: number, event?: unknown, more?: { payload?: string; measures?: boolean; requestId?: string }): void;
  /** The next frame of one of these types. Throws when none comes within 20 s. */
  next(...types: string[]): Promise<Frame>;
  /** Reads nothing until `resume`: a long frame then fills the pipe. */
  pause(): void;
  resume(): void;
  /** Resolves when the program has read all lines that were sent before the last 64 KB. */
  readonly read: () => Promise<void>;
  /** The frames that came so far. */
  readonly frames: readonly Frame[];
  /** What was written to file descriptors 1 and 2. */
  readonly raw: string;
  readonly ended: Promise<number | null>;
}

const ANSWER_WITHIN_MS = 20_000;

/** `translate`: what the frames of this kind of program mean to the cases. */
export function drive(
  [command = '', ...args]: readonly string[],
  { file, definition, ...start }: Start & { file: string },
  translate: (frame: Frame) => Frame = (frame) => frame,
): Driven {
  const cwd = mkdtempSync(join(tmpdir(), 'sequent-runtime-'));
  const child = spawn(command, args, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'] });
  const frames: Frame[] = [];
  const seen = new Set<Frame>();
  let raw = '';
  let rest = '';
  let onFrame: () => void = () => {};
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      raw += text;
    });
  }
  const results = (child.stdio[4] as Readable).setEncoding('utf8');
  results.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    frames.push(...lines.map((line) => translate(JSON.parse(line) as Frame)));
    onFrame();
  });
  const input = child.stdio[3] as Writable;
  input.on('error', () => {});
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const send = (...frame: Frame): void => void input.write(`${JSON.stringify(frame)}\n`);
  const kept = { name: 'tested', timeoutInMs: 30_000, memoryInMb: 256, userData: {}, ...definition };
  const spec = {
    kind: 'process',
    protocol: PROTOCOL,
    functionUrn: 'urn:fss:here:p1:function:default:tested:latest',
    maxResultBytes: 262_144,
  };
  send('start', { ...spec, file, ...start, definition: kept });
  return {
    pid: child.pid ?? 0,
    send,
    pause: () => results.pause(),
    resume: () => results.resume(),
    // A type that no version has. The pipe holds 64 KB, so that the rest is written when the program reads.
    read: () => new Promise((resolve) => input.write(`["filling","${'x'.repeat(262_144)}"]\n`, () => resolve())),
    frames,
    ended,
    get raw() {
      return raw;
    },
    run(id, event = {}, { payload = JSON.stringify(event), measures, requestId = `r-${id}` } = {}) {
      send('run', id, payload, requestId, 1, 'latest', 'urn:fss:here:p1:function:default:tested:latest', null, measures ?? null);
    },
    async next(...types) {
      const find = () => frames.find((frame) => types.includes(frame[0]) && !seen.has(frame));
      const deadline = performance.now() + ANSWER_WITHIN_MS;
      for (let found = find(); ; found = find()) {
        if (found !== undefined) {
          seen.add(found);
          return found;
        }
        const isLate = await new Promise<boolean>((resolve) => {
          const timer = setTimeout(() => resolve(true), Math.max(0, deadline - performance.now()));
          onFrame = () => {
            clearTimeout(timer);
            resolve(false);
          };
        });
        if (isLate) throw new Error(`no ${types.join(' or ')} within ${ANSWER_WITHIN_MS} ms; got ${JSON.stringify(frames).slice(0, 500)}`);
      }
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      await ended;
      rmSync(cwd, { recursive: true, force: true });
    },
  };
}
