import { formatDuration } from '#src/core/text/format-duration.ts';
import type { SystemView } from '#src/gateway/api/schemas/system.ts';
import { Moment } from '../parts/moment.tsx';
import { type Column, Rows } from '../parts/rows.tsx';

type Role = SystemView['roles'][number];

const columns: readonly Column[] = [
  { head: 'Instance' },
  { head: 'Roles' },
  { head: 'Host' },
  { head: 'Process', isNumber: true },
  { head: 'Version' },
  { head: 'Since' },
];

/** Who says that it is there: each process with the roles that it plays. */
export function InstancesCard({ system: { roles, server } }: { system: SystemView }) {
  const instances = new Map<string, Role[]>();
  for (const role of roles) instances.set(role.instance, [...(instances.get(role.instance) ?? []), role]);
  return (
    <section class="card" aria-label="Roles and instances">
      <div class="card-head">
        <h2>Roles and instances</h2>
        {server === undefined ? null : (
          <span class="hint">
            NATS {server.version}, {server.round_trip_ms < 0.1 ? 'less than 0.1' : server.round_trip_ms.toFixed(1)} ms away
            {server.clock_ahead_ms === undefined ? '' : `, its clock ${clockOf(server.clock_ahead_ms)}`}
          </span>
        )}
      </div>
      <Rows
        label="Roles and instances"
        columns={columns}
        rows={[...instances].map(([instance, played]) => ({
          key: instance,
          cells: [
            <code key="instance">{instance}</code>,
            <span key="roles" class="tags">
              {played.map(({ role }) => (
                <span key={role} class="tag">
                  {role}
                </span>
              ))}
            </span>,
            played[0]?.host ?? '',
            played[0]?.pid ?? '',
            played[0]?.version ?? '',
            played[0]?.started_at === undefined ? '' : <Moment key="since" at={played[0].started_at} />,
          ],
        }))}
      />
    </section>
  );
}

function clockOf(aheadInMs: number): string {
  if (Math.abs(aheadInMs) < 100) return 'as here';
  return `${formatDuration(Math.abs(aheadInMs))} ${aheadInMs > 0 ? 'ahead' : 'behind'}`;
}
