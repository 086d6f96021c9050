import { t } from '../shell/language.ts';
import { Link, paths } from '../shell/router.tsx';

const tabs = [
  { key: '', label: 'Overview' },
  { key: 'code', label: 'Code' },
  { key: 'logs', label: 'Logs' },
] as const;

/** The parts of the page of a function. The address of the page names the shown part. */
export function FunctionTabs({ name, shown }: { name: string; shown: string }) {
  return (
    <nav class="tabs" aria-label={t('Parts of the function')}>
      {tabs.map(({ key, label }) => (
        <Link
          key={key}
          to={key === '' ? paths.function(name) : `${paths.function(name)}?tab=${key}`}
          aria-current={key === shown ? 'page' : undefined}
        >
          {t(label)}
        </Link>
      ))}
    </nav>
  );
}
