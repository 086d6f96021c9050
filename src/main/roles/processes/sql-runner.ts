import { spawn } from 'node:child_process';
import { InvalidInputError, messageOf } from '#src/core/errors.ts';
import { lowerPriority } from '#src/core/processes/lower-priority.mjs';
import type { SqlAnswer, SqlQuery } from '#src/core/sql-questions.ts';
import { ownModule } from '#src/main/roles/own-module.ts';
import type { SqlQuestion } from './sql-process.ts';

/** How many queries run at one moment. Of one project only one does, so that its slowest queries hold up no other project. */
const MAX_RUNNING = 2;
/** How many queries of one project wait; a further one is refused (SHARE1). */
export const MAX_WAITING_OF_PROJECT = 8;
/** An answer has at most 512 KB of rows. */
const MAX_REPLY_BYTES = 4 * 1_024 * 1_024;

type Reply = { answer: SqlAnswer } | { problem: string; isInput: boolean };

/**
 * Runs queries of people, each in a process of its own: a query blocks its process until it ends, and only the end of the process ends a query
 * surely. The process has no part of the environment of Sequent, and no descriptor but its pipes.
 */
export function createSqlRunner(runOne = run): (file: string, query: SqlQuery) => Promise<SqlAnswer> {
  const running = new Set<string | undefined>();
  let waiting: { project: string | undefined; start: () => void }[] = [];

  /** Starts the oldest query of a project that has none running. */
  function startNext(): void {
    const next = running.size < MAX_RUNNING ? waiting.find(({ project }) => !running.has(project)) : undefined;
    if (next === undefined) return;
    waiting = waiting.filter((one) => one !== next);
    running.add(next.project);
    next.start();
  }

  return async (file, query) => {
    const { project } = query;
    if (waiting.filter((one) => one.project === project).length >= MAX_WAITING_OF_PROJECT) {
      const problem = `cannot be run now: ${MAX_WAITING_OF_PROJECT} queries of the project wait already; try again`;
      throw new InvalidInputError({ field: 'the SQL', problem });
    }
    await new Promise<void>((start) => {
      waiting.push({ project, start });
      startNext();
    });
    try {
      return await runOne({ file, query });
    } finally {
      running.delete(project);
      startNext();
    }
  };
}

async function run(question: SqlQuestion): Promise<SqlAnswer> {
  const { withinMs, project = '' } = question.query;
  const { file, execArgv } = ownModule('processes/sql-process');
  const child = spawn(process.execPath, [...execArgv, file], { stdio: ['pipe', 'pipe', 'ignore'], env: {} });
  // The queries of the own project are the operator's.
  if (project !== '') lowerPriority(child.pid, { leadsSession: false });
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    child.kill('SIGKILL');
  }, withinMs);
  try {
    const parts: Buffer[] = [];
    let bytes = 0;
    child.stdout.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes <= MAX_REPLY_BYTES) parts.push(part);
      else child.kill('SIGKILL');
    });
    child.stdin.on('error', () => {});
    child.stdin.end(JSON.stringify(question));
    await new Promise<void>((resolve, reject) => {
      child.on('close', () => resolve());
      child.on('error', reject);
    });
    if (isLate)
      throw new InvalidInputError({ field: 'the SQL', problem: `was ended after ${withinMs} ms; select fewer rows, or allow more time` });
    return answerIn(Buffer.concat(parts).toString());
  } finally {
    clearTimeout(timer);
  }
}

function answerIn(text: string): SqlAnswer {
  let reply: Reply;
  try {
    reply = JSON.parse(text) as Reply;
  } catch (cause) {
    throw new InvalidInputError({ field: 'the SQL', problem: `ended its process without an answer: ${messageOf(cause)}` }, { cause });
  }
  if ('answer' in reply) return reply.answer;
  if (!reply.isInput) throw new Error(reply.problem);
  const [, problem = reply.problem] = /^the SQL (.*)$/s.exec(reply.problem) ?? [];
  throw new InvalidInputError({ field: 'the SQL', problem });
}
