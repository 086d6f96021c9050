import { formatDuration } from '#src/core/text/format-duration.ts';
import type { SystemView } from '#src/gateway/api/system/system-schemas.ts';
import { RichText } from '../parts/rich-text.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { RelativeTime } from '../parts/time.tsx';
import { formatNumber, t } from '../shell/language.ts';

type Role = SystemView['roles'][number];

const columns: readonly Column[] = [
  { head: 'Instance' },
  { head: 'Roles' },
  { head: 'Host' },
  { head: 'Process', isNumber: true },
  { head: 'Version' },
  { head: 'Slots', isNumber: true },
  { head: 'Clock' },
  { head: 'Since' },
];

/** The processes that report themselves, each with its roles. */
export function InstancesCard({ system: { roles, server } }: { system: SystemView }) {
  const instances = new Map<string, Role[]>();
  for (const role of roles) instances.set(role.instance, [...(instances.get(role.instance) ?? []), role]);
  return (
    <section class="card" aria-label={t('Roles and instances')}>
      <div class="card-head">
        <h2>{t('Roles and instances')}</h2>
        {server === undefined ? null : (
          <span class="hint">
            {t('NATS {version}, {trip} ms round trip', {
              version: server.version,
              trip: server.round_trip_ms < 0.1 ? '< 0.1' : server.round_trip_ms.toFixed(1),
            })}
            {server.clock_ahead_ms === undefined ? '' : t(', clock {difference}', { difference: clockOf(server.clock_ahead_ms) })}
          </span>
        )}
      </div>
      {[...new Set(roles.flatMap(({ isolation }) => isolation ?? []))].map((isolation) => (
        <p key={isolation} class="hint">
          <RichText text="isolation: {isolation}" values={{ isolation: <span lang="en">{isolation}</span> }} />
        </p>
      ))}
      {roles.flatMap(({ instance, processor_use = [] }) =>
        processor_use
          .filter(({ has_waited }) => has_waited)
          .map(({ project, waited_ms }) => (
            <p key={`${instance} ${project}`} class="hint">
              {t(
                'the functions of project {project} wait for their part of the processors: {seconds} s since the worker {instance} started',
                {
                  project,
                  seconds: formatNumber(Math.ceil(waited_ms / 1_000)),
                  instance,
                },
              )}
            </p>
          )),
      )}
      <Table
        label={t('Roles and instances')}
        columns={columns}
        rows={[...instances].map(([instance, instanceRoles]) => ({
          key: instance,
          cells: [
            <code key="instance">{instance}</code>,
            <span key="roles" class="tags">
              {instanceRoles.map(({ role }) => (
                <span key={role} class="tag">
                  {role}
                </span>
              ))}
            </span>,
            instanceRoles[0]?.host ?? '',
            instanceRoles[0]?.pid ?? '',
            instanceRoles[0]?.version ?? '',
            loadOf(instanceRoles),
            instanceRoles[0]?.clock_ahead_ms === undefined ? '' : clockOf(instanceRoles[0].clock_ahead_ms),
            instanceRoles[0]?.started_at === undefined ? '' : <RelativeTime key="since" at={instanceRoles[0].started_at} />,
          ],
        }))}
      />
    </section>
  );
}

/** The slots of the worker of a process that executions hold, and all of them. */
function loadOf(roles: readonly Role[]): string {
  const { held_slots, slots } = roles.find((one) => one.slots !== undefined) ?? {};
  if (held_slots === undefined || slots === undefined) return '';
  return t('{held} of {slots}', { held: formatNumber(held_slots), slots: formatNumber(slots) });
}

function clockOf(aheadInMs: number): string {
  if (Math.abs(aheadInMs) < 100) return t('in sync');
  const duration = formatDuration(Math.abs(aheadInMs));
  return aheadInMs > 0 ? t('{duration} ahead', { duration }) : t('{duration} behind', { duration });
}
