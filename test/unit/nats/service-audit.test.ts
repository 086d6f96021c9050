import { beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '#src/core/ports/logger.ts';
import { createServiceAudit, type ServiceAudit } from '#src/nats/questions/service-audit.ts';
import { MemoryAuditLog } from '#test/support/gateway/memory-audit-log.ts';

let log: MemoryAuditLog;
let audit: ServiceAudit;
beforeEach(() => {
  log = new MemoryAuditLog();
  const { signal } = new AbortController();
  audit = createServiceAudit({ audit: log, clock: { now: () => 5 }, logger: silentLogger, project: 'own', signal });
});

const read = { action: 'history.get', status: 200, subject: 'i-1', isCounted: false };

async function recorded() {
  expect(await audit.flush()).toBe(true);
  return log.entries.map(({ project, by, action, subject, count }) => [project, by, action, subject, count]);
}

describe('a call of a NATS service', () => {
  test('is recorded under the inbox that its answer went to', async () => {
    const replies = ['_INBOX_sequent_operator.x.1', '_INBOX_sequent_producer_shop.x.1', '_INBOX.abc', `${'long'.repeat(50)}.x`, ''];
    for (const reply of replies) audit.record({ reply }, read);
    expect((await recorded()).map(([, by]) => by)).toEqual([
      'nats:operator',
      'nats:producer_shop',
      'nats:_INBOX',
      `nats:${'long'.repeat(16)}`,
      'nats:no answer',
    ]);
  });

  test('is recorded for the project whose data its answer shows, if that is an id of a project', async () => {
    for (const project of ['shop', 'a.>', '*', undefined]) audit.record({ reply: '_INBOX_sequent_history.x' }, { ...read, project });
    expect((await recorded()).map(([project]) => project)).toEqual(expect.arrayContaining(['shop', 'own', 'own', 'own']));
  });

  test('is counted for the gateway, which records its callers itself, unless the call changes something', async () => {
    const reply = '_INBOX_sequent_gateway.x';
    for (const subject of ['i-1', 'i-2']) audit.record({ reply }, { ...read, subject, project: 'shop' });
    audit.record({ reply }, { action: 'history.rebuild', status: 200, isCounted: false, isChange: true });
    expect(await recorded()).toEqual([
      ['own', 'nats:gateway', 'history.rebuild', undefined, 1],
      ['own', 'nats:gateway', 'history.get', undefined, 2],
    ]);
  });
});
