import { formatDuration } from '#src/core/text/format-duration.ts';
import type { SystemView } from '#src/gateway/api/schemas/system.ts';
import { type Column, Table } from '../parts/table.tsx';
import { RelativeTime } from '../parts/time.tsx';

type Role = SystemView['roles'][number];

const columns: readonly Column[] = [
  { head: 'Instance' },
  { head: 'Roles' },
  { head: 'Host' },
  { head: 'Process', isNumber: true },
  { head: 'Version' },
  { head: 'Since' },
];

/** The processes that report themselves, each with its roles. */
export function InstancesCard({ system: { roles, server } }: { system: SystemView }) {
  const instances = new Map<string, Role[]>();
  for (const role of roles) instances.set(role.instance, [...(instances.get(role.instance) ?? []), role]);
  return (
    <section class="card" aria-label="Roles and instances">
      <div class="card-head">
        <h2>Roles and instances</h2>
        {server === undefined ? null : (
          <span class="hint">
            NATS {server.version}, {server.round_trip_ms < 0.1 ? 'less than 0.1' : server.round_trip_ms.toFixed(1)} ms round trip
            {server.clock_ahead_ms === undefined ? '' : `, clock ${clockOf(server.clock_ahead_ms)}`}
          </span>
        )}
      </div>
      {[...new Set(roles.flatMap(({ isolation }) => isolation ?? []))].map((isolation) => (
        <p key={isolation} class="hint">
          isolation: {isolation}
        </p>
      ))}
      <Table
        label="Roles and instances"
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
            instanceRoles[0]?.started_at === undefined ? '' : <RelativeTime key="since" at={instanceRoles[0].started_at} />,
          ],
        }))}
      />
    </section>
  );
}

function clockOf(aheadInMs: number): string {
  if (Math.abs(aheadInMs) < 100) return 'in sync';
  return `${formatDuration(Math.abs(aheadInMs))} ${aheadInMs > 0 ? 'ahead' : 'behind'}`;
}
