import type { StreamInfo } from 'nats';
import { type Clock, systemClock } from '#src/core/ports/clock.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { type ClockOffset, type LocalClocks, ServerTime, type TimeSample } from '#src/core/time/server-time.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';
import type { Connection } from './connection/connection.ts';

export type ClockBounds = {
  /** The offset of the local clock from which the process reports the offset, in milliseconds; 1 s by default. */
  warningInMs?: number;
  /** The offset from which the process takes no work, in milliseconds; 24 h by default, `undefined` for no limit. */
  limitInMs?: number | undefined;
};

/** The server's time, which is the time of the log (TIME1 to TIME5). */
export interface ServerClock extends Clock {
  /** How far the clock of this machine is ahead of the server's; `undefined` until the server has sent its time. */
  readonly offset: ClockOffset | undefined;
  /** Whether the time of the server is known, and the offset permits this process to take work (TIME5, TIME6). */
  readonly isWithinLimit: boolean;
  close(): void;
}

export type ServerClockOptions = ClockBounds & { onProblem?: (problem: string) => void; local?: LocalClocks };

/** The local clock, for a client that may not ask the server for its time. Such a client judges no due time. */
export const localServerClock: ServerClock = { ...systemClock, offset: undefined, isWithinLimit: true, close: () => {} };

const DEFAULT_WARNING_IN_MS = 1_000;
const DEFAULT_LIMIT_IN_MS = 86_400_000;
const FIRST_SAMPLES = 3;
const MEASURE_EVERY_MS = 5_000;
const COMPARE_EVERY_MS = 250;

/**
 * Measures the server's time, then again every five seconds, after a reconnection, and when the local clock was set.
 *
 * Each measurement is one request for the state of the log. On a cluster, the leader of the log answers, which also dates its messages. A
 * request without an answer changes nothing. Never rejects: until the first answer, the time is the local time, this process takes no work,
 * and the server is asked four times a second (TIME6).
 */
export async function openServerClock(connection: Connection, options: ServerClockOptions = {}): Promise<ServerClock> {
  const clock = new MeasuredClock(connection, options);
  await clock.start();
  return clock;
}

/** Whether a process takes work, takes work and reports its offset, or takes no work. Before the first answer it takes none either. */
type Judgement = 'unknown' | 'right' | 'wrong' | 'refused';

class MeasuredClock implements ServerClock {
  readonly sleep = systemClock.sleep;
  readonly #connection: Connection;
  readonly #time: ServerTime;
  readonly #warningInMs: number;
  readonly #limitInMs: number;
  readonly #onProblem: (problem: string) => void;
  readonly #endReconnect: () => void;
  #timer: NodeJS.Timeout | undefined;
  #measuredAt = Number.NEGATIVE_INFINITY;
  #isMeasuring = false;
  #judgement: Judgement = 'unknown';

  constructor(connection: Connection, options: ServerClockOptions) {
    this.#connection = connection;
    this.#time = new ServerTime(options.local);
    this.#warningInMs = options.warningInMs ?? DEFAULT_WARNING_IN_MS;
    this.#limitInMs = 'limitInMs' in options ? (options.limitInMs ?? Number.POSITIVE_INFINITY) : DEFAULT_LIMIT_IN_MS;
    this.#onProblem = options.onProblem ?? (() => {});
    this.#endReconnect = connection.onReconnect(() => void this.#measure());
  }

  async start(): Promise<void> {
    await this.#measure();
    if (this.#judgement === 'unknown')
      this.#onProblem('the NATS server does not answer with its time: this process takes no work until the server does');
    this.#timer = setInterval(() => this.#compare(), COMPARE_EVERY_MS);
    this.#timer.unref();
  }

  now(): number {
    return this.#time.now();
  }

  get offset(): ClockOffset | undefined {
    return this.#time.offset;
  }

  get isWithinLimit(): boolean {
    return this.#judgement === 'right' || this.#judgement === 'wrong';
  }

  close(): void {
    clearInterval(this.#timer);
    this.#endReconnect();
  }

  #compare(): void {
    const wasSet = this.#time.noticeStep();
    if (wasSet) this.#judge();
    const isDue = this.#judgement === 'unknown' || performance.now() - this.#measuredAt >= MEASURE_EVERY_MS;
    if (wasSet || isDue) void this.#measure();
  }

  async #measure(): Promise<void> {
    if (this.#isMeasuring || !this.#connection.isConnected) return;
    this.#isMeasuring = true;
    this.#measuredAt = performance.now();
    try {
      const samples = this.#judgement === 'unknown' ? FIRST_SAMPLES : 1;
      for (let count = 0; count < samples; count++) {
        const { sample } = await timedInfo(this.#connection, INVOCATIONS);
        if (sample === undefined) break;
        this.#time.add(sample);
      }
      this.#judge();
    } catch {
      // The next measurement follows. Meanwhile the monotonic clock continues the estimate.
    } finally {
      this.#isMeasuring = false;
    }
  }

  #judge(): void {
    const { offset } = this.#time;
    if (offset === undefined) {
      // The server answered without its time, so that nothing is known against the local clock.
      this.#judgement = 'right';
      return;
    }
    // An uncertain measurement, such as one of a busy process, must not accuse a right clock.
    const sureInMs = Math.abs(offset.aheadInMs) - offset.uncertaintyInMs;
    const judgement = sureInMs > this.#limitInMs ? 'refused' : sureInMs > this.#warningInMs ? 'wrong' : 'right';
    const before = this.#judgement;
    this.#judgement = judgement;
    const isExpected = judgement === before || (before === 'unknown' && judgement === 'right');
    if (!isExpected) this.#onProblem(this.#inWords(judgement, offset));
  }

  #inWords(judgement: Judgement, offset: ClockOffset): string {
    const seen = `the clock of this machine is ${describeOffset(offset)}`;
    if (judgement === 'right') return `${seen}: it is right again`;
    if (judgement === 'wrong')
      return `${seen}: Sequent uses the time of the NATS server; synchronise the clock (chrony, systemd-timesyncd)`;
    const limit = formatDuration(this.#limitInMs);
    return `${seen}, and the limit (--clock-limit) is ${limit}: this process takes no work until the clock is right`;
  }
}

/** The offset in words, such as "1 h ahead of the NATS server's, ± 2 ms". */
function describeOffset({ aheadInMs, uncertaintyInMs }: ClockOffset): string {
  const direction = aheadInMs < 0 ? 'behind' : 'ahead of';
  return `${formatDuration(Math.round(Math.abs(aheadInMs)))} ${direction} the NATS server's, ± ${formatDuration(Math.ceil(uncertaintyInMs))}`;
}

/** Reads the state of a stream. The sample is `undefined` when the server does not send its time. */
export async function timedInfo(
  { manager }: Pick<Connection, 'manager'>,
  stream: string,
): Promise<{ info: StreamInfo; sample: TimeSample | undefined }> {
  const askedAt = performance.now();
  const info = await manager.streams.info(stream);
  const answeredAt = performance.now();
  const serverAt = Date.parse((info as { ts?: string }).ts ?? '');
  return { info, sample: Number.isNaN(serverAt) ? undefined : { askedAt, answeredAt, serverAt } };
}
