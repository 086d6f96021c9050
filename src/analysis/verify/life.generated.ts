/* Translated from life.qnt (32cd5c0cb29ea3e14078b01c4fdfe76f8c293120fb15f9c1dc31ef27effe9942) by `npm run specify -- --write`. Do not edit. */
// biome-ignore-all lint: the translation repeats the operators of the specification

export type Life = {
  id: string;
  isBatch: boolean;
  isCanceled: boolean;
  state: string;
  dueAt: number;
  attempts: number;
  retries: number;
  maxRetries: number;
  lost: number;
  isSynchronous: boolean;
  waits: string;
  queue: string;
  group: string;
  leader: string;
  delivery: string;
  tries: number;
  deliveryDueAt: number;
};

export type Fact = {
  kind: string;
  number: number;
  at: number;
  dueAt: number;
  failure: string;
  leader: string;
  queue: string;
  hasTerms: boolean;
  maxRetries: number;
  isSynchronous: boolean;
  hasDestination: boolean;
  isCancellation: boolean;
};

const MAX_LOST = 7;

function mayStart(l: Life) {
  return l.waits !== 'group' && l.group !== 'member';
}

function mayRetry(l: Life, failure: string) {
  return (
    !l.isSynchronous &&
    ((failure === 'function' && l.retries < l.maxRetries) || (failure === 'lost' && l.lost < MAX_LOST) || failure === 'platform')
  );
}

function isOver(l: Life) {
  return l.state === 'succeeded' || l.state === 'failed' || l.state === 'notified';
}

function isSettled(l: Life) {
  return l.delivery === 'none' || l.delivery === 'delivered' || l.delivery === 'dead' || l.delivery === 'dismissed';
}

function waitsForGroup(l: Life) {
  return l.waits === 'group' && l.group === 'none';
}

function acceptsOfInvocation(l: Life, f: Fact) {
  return (
    (f.kind === 'running' && l.state === 'queued' && f.number === 1 && f.hasTerms && f.at >= l.dueAt && mayStart(l)) ||
    (f.kind === 'running' && l.state === 'retrying' && f.number === l.attempts + 1 && !f.hasTerms && f.at >= l.dueAt) ||
    (f.kind === 'retrying' && l.state === 'running' && f.number === l.attempts && f.dueAt >= f.at && mayRetry(l, f.failure)) ||
    (f.kind === 'succeeded' && l.state === 'running' && f.number === l.attempts) ||
    (f.kind === 'failed' && (l.state === 'running' || l.state === 'retrying') && f.number === l.attempts) ||
    (f.kind === 'failed' && l.state === 'queued' && f.number === 0 && f.leader === l.leader) ||
    (f.kind === 'succeeded' && l.state === 'queued' && f.number === 0 && f.leader !== '' && f.leader === l.leader) ||
    (f.kind === 'deferred.slot' &&
      (l.state === 'queued' || l.state === 'retrying') &&
      f.at >= l.dueAt &&
      mayStart(l) &&
      (l.waits !== 'slot' || f.queue !== l.queue)) ||
    (f.kind === 'deferred.group' && l.state === 'queued' && f.at >= l.dueAt && mayStart(l) && l.waits === 'none') ||
    (f.kind === 'debounce.closed' && l.state === 'queued' && waitsForGroup(l) && f.at >= f.dueAt) ||
    (f.kind === 'debounce.joined' && l.state === 'queued' && waitsForGroup(l) && f.leader !== l.id) ||
    (f.kind === 'redriven' && isOver(l))
  );
}

function acceptsOfBatch(l: Life, f: Fact) {
  return (
    (f.kind === 'batch.sealed' && l.state === 'queued') ||
    (f.kind === 'batch.sealed' && l.state !== 'queued' && f.isCancellation && !l.isCanceled) ||
    (f.kind === 'succeeded' && l.state === 'running' && f.number === 0)
  );
}

function acceptsOfOutcome(l: Life, f: Fact) {
  return (
    (f.kind === 'notified' && (l.state === 'succeeded' || l.state === 'failed') && isSettled(l)) ||
    (f.kind === 'delivery.started' && l.delivery === 'pending' && f.number === l.tries + 1) ||
    (f.kind === 'delivery.started' && l.delivery === 'backingOff' && f.number === l.tries + 1 && f.at >= l.deliveryDueAt) ||
    (f.kind === 'delivery.failed' && l.delivery === 'delivering' && f.number === l.tries) ||
    (f.kind === 'delivery.delivered' && l.delivery === 'delivering' && f.number === l.tries) ||
    (f.kind === 'delivery.dead' && l.delivery === 'delivering' && f.number === l.tries) ||
    (f.kind === 'delivery.dead' && (l.delivery === 'pending' || l.delivery === 'backingOff')) ||
    (f.kind === 'delivery.postponed' && l.delivery === 'pending' && f.number === l.tries) ||
    (f.kind === 'delivery.postponed' && l.delivery === 'backingOff' && f.number === l.tries && f.at >= l.deliveryDueAt) ||
    (f.kind === 'delivery.redriven' && (l.delivery === 'dead' || l.delivery === 'dismissed') && f.number === l.tries) ||
    (f.kind === 'delivery.dismissed' && l.delivery === 'dead' && f.number === l.tries)
  );
}

export function accepts(l: Life, f: Fact) {
  return (l.isBatch ? acceptsOfBatch(l, f) : acceptsOfInvocation(l, f)) || (isOver(l) && acceptsOfOutcome(l, f));
}

export function following(l: Life, f: Fact) {
  return f.kind === 'running'
    ? {
        ...{
          ...{ ...{ ...{ ...{ ...l, state: 'running' }, attempts: f.number }, dueAt: 0 }, waits: 'none' },
          maxRetries: f.hasTerms ? f.maxRetries : l.maxRetries,
        },
        isSynchronous: f.hasTerms ? f.isSynchronous : l.isSynchronous,
      }
    : f.kind === 'retrying'
      ? {
          ...{ ...{ ...{ ...l, state: 'retrying' }, dueAt: f.dueAt }, retries: l.retries + (f.failure === 'function' ? 1 : 0) },
          lost: l.lost + (f.failure === 'lost' ? 1 : 0),
        }
      : f.kind === 'succeeded' || f.kind === 'failed'
        ? { ...{ ...{ ...{ ...l, state: f.kind }, dueAt: 0 }, waits: 'none' }, delivery: f.hasDestination ? 'pending' : 'none' }
        : f.kind === 'deferred.slot'
          ? { ...{ ...l, waits: 'slot' }, queue: f.queue }
          : f.kind === 'deferred.group'
            ? l.group === 'none'
              ? { ...l, waits: 'group' }
              : l
            : f.kind === 'debounce.closed'
              ? { ...{ ...l, group: 'leader' }, waits: 'none' }
              : f.kind === 'debounce.joined'
                ? { ...{ ...{ ...l, group: 'member' }, leader: f.leader }, waits: 'none' }
                : f.kind === 'batch.sealed'
                  ? {
                      ...{ ...{ ...l, state: l.state === 'queued' ? 'running' : l.state }, dueAt: l.state === 'queued' ? 0 : l.dueAt },
                      isCanceled: l.isCanceled || f.isCancellation,
                    }
                  : f.kind === 'notified'
                    ? { ...l, state: 'notified' }
                    : f.kind === 'delivery.started'
                      ? { ...{ ...{ ...l, delivery: 'delivering' }, tries: f.number }, deliveryDueAt: 0 }
                      : f.kind === 'delivery.failed' || f.kind === 'delivery.postponed'
                        ? { ...{ ...l, delivery: 'backingOff' }, deliveryDueAt: f.dueAt }
                        : f.kind === 'delivery.delivered'
                          ? { ...l, delivery: 'delivered' }
                          : f.kind === 'delivery.dead'
                            ? { ...{ ...l, delivery: 'dead' }, deliveryDueAt: 0 }
                            : f.kind === 'delivery.dismissed'
                              ? { ...l, delivery: 'dismissed' }
                              : f.kind === 'delivery.redriven'
                                ? { ...l, delivery: 'pending' }
                                : l;
}
