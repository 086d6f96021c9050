import { formatBytes } from '#src/cli/print/format.ts';
import { say, translated } from '#src/cli/texts/say.ts';
import { LOSS_REMEDY } from '#src/core/log/losses/log-loss.ts';
import { REFUSES_REQUESTS } from '#src/core/ports/admission.ts';
import { type Inspection, SEALED, type StreamFacts } from '#src/nats/inspection.ts';
import { describeReplicas } from '#src/nats/replicas/describe-replicas.ts';
import { FUNCTIONS_BUCKET, INVOCATIONS } from '#src/nats/wire/topology.ts';
import { lossInWords } from '../log/loss.ts';
import type { Examined } from './examined.ts';
import type { Finding } from './finding.ts';

/* The findings about what NATS stores: space, streams, consumers, refusals, losses and replicas. */

export function judgeStorage({ usedInBytes, limitInBytes }: Inspection['storage']): Finding {
  const check = say('storage');
  const used = formatBytes(usedInBytes);
  if (limitInBytes === undefined) return { level: 'ok', check, seen: say('{used} used, no limit on the account', { used }) };
  const share = usedInBytes / limitInBytes;
  const seen = say('{used} of {limit} used ({percent} %)', { used, limit: formatBytes(limitInBytes), percent: Math.round(share * 100) });
  const remedy = say('raise the limit of the account, or give it more disk: a full log accepts no more requests');
  if (share < 0.8) return { level: 'ok', check, seen };
  return { level: share < 0.95 ? 'note' : 'problem', check, seen, remedy };
}

type ExistingStream = Extract<StreamFacts, { exists: true }>;

export function messagesOf(count: number): string {
  return count === 1 ? say('1 message') : say('{count} messages', { count });
}

export function judgeStreams(streams: readonly StreamFacts[]): Finding[] {
  return streams.map((stream) => {
    const check = say('stream {name}', { name: stream.name });
    if (stream.exists) return judgeExisting(stream, check);
    if (!stream.isMissing)
      return { level: 'problem', check, seen: say('cannot be read ({why})', { why: stream.why }), remedy: serversRemedy() };
    const remedy = say('sequent serve, which creates it; or npm start');
    return { level: 'problem', check, seen: say('is missing ({why})', { why: stream.why }), remedy };
  });
}

function judgeExisting(stream: ExistingStream, check: string): Finding {
  const size = say('{messages}, {bytes}, {subjects}, {storage}', {
    messages: messagesOf(stream.messages),
    bytes: formatBytes(stream.bytes),
    subjects: stream.subjects === 1 ? say('1 subject') : say('{count} subjects', { count: stream.subjects }),
    storage: stream.storage,
  });
  if (!stream.hasLeader) {
    return { level: 'problem', check, seen: say('has no leader; {size}', { size }), remedy: serversRemedy() };
  }
  if (!stream.isAdmitting) {
    return { level: 'problem', check, seen: say('refuses requests: {why}; {size}', { why: REFUSES_REQUESTS, size }), remedy: fullRemedy() };
  }
  if (stream.lossy.length > 0) {
    const limits = stream.lossy.join(', ');
    const seen = say('was changed by hand, and deletes or refuses messages that it must keep ({limits}); {size}', { limits, size });
    const remedy = stream.lossy.includes(SEALED)
      ? say('restore a backup on another server: a sealed stream stays sealed: docs/operations.md#back-up-and-restore')
      : say('sequent nats-streams, which takes these limits back');
    return { level: 'problem', check, seen, remedy };
  }
  // Sequent removes a key by a message, so that its own bucket is never empty again.
  if (stream.name === `KV_${FUNCTIONS_BUCKET}` && stream.messages === 0 && stream.lastSequence > 0) {
    const seen = say('was purged by hand: the functions, schedules and quotas that it held are gone; {size}', { size });
    const remedy = say('define them again (sequent fn deploy <folder>), or read a backup: docs/operations.md#back-up-and-restore');
    return { level: 'problem', check, seen, remedy };
  }
  const filled = judgeFilled(stream, check, size);
  if (filled !== undefined) return filled;
  const seen = stream.replicas > 1 ? say('{size}, {count} replicas', { size, count: stream.replicas }) : size;
  return judgeConsumers(stream, check) ?? { level: 'ok', check, seen };
}

function serversRemedy(): string {
  return say('bring back the servers that hold its replicas: docs/operations.md#lost-quorum');
}

function fullRemedy(): string {
  return say(
    'raise the limit (sequent nats-streams --stream-sizes; max_file_store of the server), or make room: docs/operations.md#full-disk-or-full-log',
  );
}

/** A stream that refuses messages when it is full stops what writes to it. */
function judgeFilled({ bytes, maxBytes, refusesWhenFull }: ExistingStream, check: string, size: string): Finding | undefined {
  const share = maxBytes === undefined ? 0 : bytes / maxBytes;
  if (!refusesWhenFull || share < 0.8) return undefined;
  const values = { percent: Math.round(share * 100), limit: formatBytes(maxBytes ?? 0), size };
  return {
    level: share < 0.95 ? 'note' : 'problem',
    check,
    seen: say('is {percent} % of its limit of {limit}, and refuses messages when it is full; {size}', values),
    remedy: fullRemedy(),
  };
}

/** A function whose consumer is refused never runs. */
function judgeConsumers({ consumers, maxConsumers = Number.POSITIVE_INFINITY }: ExistingStream, check: string): Finding | undefined {
  if (consumers < 0.8 * maxConsumers) return undefined;
  return {
    level: consumers < maxConsumers ? 'note' : 'problem',
    check,
    seen: say('has {count} of at most {max} consumers: at the limit, further functions do not run', {
      count: consumers,
      max: maxConsumers,
    }),
    remedy: say('raise max_consumers of the account and of the stream, or delete functions that nobody uses'),
  };
}

/** A refusal that is older says nothing about a log that stores again: its process may have written nothing since. */
const CURRENT_FOR_MS = 60_000;

/** What the log refused: the last message of a process, or else a message of the doctor. */
export function judgeRefusals({ instances = [], store }: Pick<Examined, 'instances' | 'store'>, now: number): Finding[] {
  const found = instances.flatMap(({ roles, pid, logRefusal, logRefusedAt = 0 }): Finding[] => {
    const isOver = store?.kind === 'stored' && now - logRefusedAt > CURRENT_FOR_MS;
    if (logRefusal === undefined || isOver) return [];
    const seen = say('is full and refuses: {why} ({roles}, process {pid}, last at {time})', {
      why: logRefusal,
      roles: roles.join(', '),
      pid,
      time: new Date(logRefusedAt).toISOString(),
    });
    return [{ level: 'problem', check: say('log'), seen, remedy: fullRemedy() }];
  });
  return found.length > 0 ? found : judgeStore(store);
}

function judgeStore(store: Examined['store']): Finding[] {
  const check = say('log');
  if (store?.kind === 'forbidden') {
    const remedy = say('run it as the operator: sequent nats-permissions --role operator');
    return [{ level: 'note', check, seen: say('whether NATS stores messages is unknown: the user of this command may not write'), remedy }];
  }
  if (store?.kind !== 'refused') return [];
  const { stream, bytes, why, isFull } = store;
  const found = {
    level: 'problem',
    check: stream === INVOCATIONS ? check : say('stream {name}', { name: stream }),
    remedy: fullRemedy(),
  } as const;
  const seen = !isFull
    ? say('stores nothing: {why}', { why })
    : bytes === 0
      ? say('is full and refuses: {why}', { why })
      : say('is full and refuses: {why} (a message of {size})', { why, size: formatBytes(bytes) });
  return [{ ...found, seen }];
}

export function judgeLosses(losses: Examined['losses']): Finding[] {
  if (losses === undefined) return [];
  if (losses.length === 0)
    return [{ level: 'ok', check: say('losses'), seen: say('the log lost no message that was read or acknowledged') }];
  return losses.map((loss) => ({
    level: 'problem',
    check: say('losses'),
    seen: lossInWords(loss),
    remedy: `${translated(LOSS_REMEDY)} ${loss.id}`,
  }));
}

export function judgeReplicas(compared: Examined['replicas']): Finding[] {
  const check = say('replicas');
  if (compared === undefined) return [];
  if (compared === 'one replica') return [{ level: 'ok', check, seen: say('the log has one replica') }];
  const { skipped, isEqual } = compared;
  const seen = describeReplicas(compared);
  const behind = skipped.map(
    ({ server, why }): Finding => ({
      level: 'note',
      check: say('replica on {server}', { server }),
      seen: say('was not compared: {why}', { why }),
      remedy: say('sequent doctor --replicas, when all servers can be reached'),
    }),
  );
  if (isEqual) return [{ level: 'ok', check, seen: say('equal; {seen}', { seen }) }, ...behind];
  const remedy = 'docs/operations.md#diverged-replica';
  return [{ level: 'problem', check, seen: say('differ; {seen}', { seen }), remedy }, ...behind];
}
