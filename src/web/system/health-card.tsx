import type { SystemView } from '#src/gateway/api/system/system-schemas.ts';
import { CommandLine } from '../parts/copy.tsx';
import { Icon } from '../parts/icon.tsx';
import { t } from '../shell/language.ts';
import { Link } from '../shell/router.tsx';
import { healthIssues } from './health.ts';

/** Whether the system is healthy, and else what is wrong and what to do. */
export function HealthCard({ system }: { system: SystemView }) {
  const issues = healthIssues(system);
  return (
    <section class="health" aria-label={t('Health')}>
      <div role="status">
        {issues.length === 0 ? (
          <p class="health-line tone-succeeded">
            <Icon name="succeeded" /> <strong>{t('Healthy')}</strong> {t('Every role is running, and no work is stuck.')}
          </p>
        ) : (
          <ul>
            {issues.map(({ severity, title, reason, command, to }) => (
              <li key={title} class={`health-line tone-${severity === 'error' ? 'failed' : 'retrying'}`}>
                <Icon name={severity === 'error' ? 'failed' : 'alert'} />{' '}
                <strong>{to === undefined ? title : <Link to={to}>{title}</Link>}</strong> {reason}
                {command === undefined ? null : <CommandLine text={command} />}
              </li>
            ))}
          </ul>
        )}
      </div>
    </section>
  );
}
