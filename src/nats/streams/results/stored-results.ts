import { setTimeout as delay } from 'node:timers/promises';
import { leastOf } from '#src/core/least-and-greatest.ts';
import type { Results } from '#src/core/log/results.ts';
import { subjects } from '#src/core/names/subjects.ts';
import { readPending } from '#src/nats/streams/log/read-stored.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { header } from '#src/nats/wire/codec.ts';
import { readLastBySubject } from '#src/nats/wire/stored-messages.ts';
import { RESULTS } from '#src/nats/wire/topology.ts';

/** Looks for the results of invocations among the stored ones. */
export interface StoredResults {
  /** Whether a result of the outcome's type with this envelope is stored that was published after the outcome. Never rejects. */
  has: Results['isStored'];
}

/** `unreadable`: not found, and at least one look failed or was partial. */
type Answer = 'stored' | 'missing' | 'unreadable';

type Question = { id: string; envelope: string; since: number; resolve: (answer: Answer) => void };

/** How much the clock of the process that wrote an outcome may be ahead of the server's. */
const CLOCK_ERROR_IN_MS = 2_000;

/** A look fails while RESULTS has no leader, and is partial on a replica that is behind. After these looks, the result counts as not stored. */
const MAX_LOOKS = 3;
const LOOK_AGAIN_IN_MS = 250;
const LEADER_ANSWERS_WITHIN_MS = 2_000;

/** The longest wait before the second look. A worker that lives for two seconds only must still publish what its predecessor did not. */
const MAX_WAIT_IN_MS = 1_500;

/**
 * Results have no subject of their own, so a look-up reads the results since the outcome. It reads their envelopes, because an earlier result
 * of the invocation may be of an outcome that a power cut took a moment before.
 *
 * After the death of a worker, all of its items return together. Questions that arrive during a read therefore share the next read.
 *
 * A missing result is looked for once more while another process may be publishing it, and after a look that was not complete (PUB6).
 */
export function createStoredResults(connection: Connection): StoredResults {
  const waiting = new Map<string, Question[]>();

  async function answer(subject: string, questions: Question[]): Promise<void> {
    while (questions.length > 0) await answerTogether(connection, subject, questions.splice(0));
    waiting.delete(subject);
  }

  function ask(subject: string, of: Omit<Question, 'resolve'>): Promise<Answer> {
    return new Promise((resolve) => {
      const question = { ...of, resolve };
      const present = waiting.get(subject);
      if (present !== undefined) return void present.push(question);
      const questions = [question];
      waiting.set(subject, questions);
      void answer(subject, questions);
    });
  }

  return {
    async has({ function: name }, id, { type, at, envelope, mayComeUntil = 0 }) {
      const subject = subjects.result(name, type);
      const question = { id, envelope, since: at - CLOCK_ERROR_IN_MS };
      const first = await ask(subject, question);
      const waitInMs = first === 'unreadable' ? MAX_WAIT_IN_MS : Math.min(mayComeUntil - Date.now(), MAX_WAIT_IN_MS);
      if (first === 'stored' || waitInMs <= 0 || connection.isEnding) return first === 'stored';
      await delay(waitInMs);
      return (await ask(subject, question)) === 'stored';
    },
  };
}

function keyOf(id: string, envelope: string): string {
  return `${id} ${envelope}`;
}

/** Answers the questions by one look, or by several ones while a look is not complete. Never rejects. */
async function answerTogether(connection: Connection, subject: string, questions: readonly Question[]): Promise<void> {
  const open = new Map<string, Question[]>();
  for (const question of questions) {
    const key = keyOf(question.id, question.envelope);
    open.set(key, [...(open.get(key) ?? []), question]);
  }
  let answer: Answer = 'missing';
  for (let looks = 1; open.size > 0; looks++) {
    const isComplete = await look(connection, subject, open).catch(() => false);
    if (isComplete) break;
    answer = 'unreadable';
    if (looks === MAX_LOOKS || connection.isEnding) break;
    await delay(LOOK_AGAIN_IN_MS);
  }
  // A result that is published twice does less harm than a missing one.
  for (const { resolve } of [...open.values()].flat()) resolve(answer);
}

/** Answers the questions whose result is found. Resolves to whether the look saw every result of the leader (J8). */
async function look(connection: Connection, subject: string, open: Map<string, Question[]>): Promise<boolean> {
  const since = leastOf([...open.values()].flat().map((question) => question.since));
  const last = await readLastBySubject(connection, subject, { stream: RESULTS, budgetInMs: LEADER_ANSWERS_WITHIN_MS });
  if (last === undefined || last.at < since) return true;
  let read = 0;
  for await (const message of readPending(connection, RESULTS, { subject, since })) {
    read = message.seq;
    const key = keyOf(message.headers?.get(header.requestId) ?? '', message.string());
    for (const { resolve } of open.get(key) ?? []) resolve('stored');
    if (open.delete(key) && open.size === 0) return true;
  }
  return read >= last.sequence;
}
