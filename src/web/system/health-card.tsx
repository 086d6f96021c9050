import type { SystemView } from '#src/gateway/api/schemas/system.ts';
import { CommandLine } from '../parts/copy.tsx';
import { Icon } from '../parts/icon.tsx';
import { Link } from '../shell/router.tsx';
import { concernsOf } from './health.ts';

/** The answer to the first question at night: is it us, and what is it? */
export function HealthCard({ system }: { system: SystemView }) {
  const concerns = concernsOf(system);
  return (
    <section class="health" aria-label="Health">
      <div role="status">
        {concerns.length === 0 ? (
          <p class="health-line tone-succeeded">
            <Icon name="succeeded" /> <strong>All is well</strong> Every role is there, and nothing waits that should not.
          </p>
        ) : (
          <ul>
            {concerns.map(({ gravity, what, why, command, to }) => (
              <li key={what} class={`health-line tone-${gravity}`}>
                <Icon name={gravity === 'failed' ? 'failed' : 'alert'} />{' '}
                <strong>{to === undefined ? what : <Link to={to}>{what}</Link>}</strong> {why}
                {command === undefined ? null : <CommandLine text={command} />}
              </li>
            ))}
          </ul>
        )}
      </div>
    </section>
  );
}
