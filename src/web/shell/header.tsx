import { Icon } from '../parts/icon.tsx';
import { chooseLanguage, language, type Text, t } from './language.ts';
import { session, signOut } from './login/session.ts';
import { Link, paths, useLocation } from './router.tsx';
import { theme, zone } from './settings.ts';
import { useStore } from './store.ts';
import { showToast } from './toasts.tsx';
import { problemOf } from './use-fetch.ts';

const entries: readonly { to: string; label: Text; prefix: string }[] = [
  { to: paths.invocations, label: 'Invocations', prefix: '/invocations' },
  { to: paths.functions, label: 'Functions', prefix: '/functions' },
  { to: paths.schedules, label: 'Schedules', prefix: '/schedules' },
  { to: paths.batches, label: 'Batches', prefix: '/batches' },
  { to: paths.deadLetters, label: 'Dead letters', prefix: '/dead-letters' },
  { to: paths.system, label: 'System', prefix: '/system' },
];

export function Header({ onHelp }: { onHelp: () => void }) {
  const { path } = useLocation();
  const caller = useStore(session);
  // Before the login no page would answer.
  const hasAccess = caller === undefined || caller.is_open || caller.signed_in;
  return (
    <header class="header">
      <Link to={paths.invocations} class="brand" aria-label={t('Sequent: invocations')}>
        <svg width="22" height="22" viewBox="0 0 32 32" aria-hidden="true">
          <rect width="32" height="32" rx="8" class="brand-ground" />
          <path d="M8 22h5a3 3 0 0 0 3-3v-6a3 3 0 0 1 3-3h5" class="brand-line" />
          <circle cx="8" cy="22" r="2.8" class="brand-dot" />
          <circle cx="24" cy="10" r="2.8" class="brand-dot" />
        </svg>
        <span>Sequent</span>
      </Link>
      {hasAccess ? (
        <nav aria-label={t('Pages')}>
          {entries.map(({ to, label, prefix }) => (
            <Link key={to} to={to} aria-current={path === to || path.startsWith(`${prefix}/`) ? 'page' : undefined}>
              {t(label)}
            </Link>
          ))}
        </nav>
      ) : null}
      <div class="header-tools">
        {caller?.project == null ? null : (
          <span class="project" title={t('Project {project}; Sequent {version}', { project: caller.project, version: caller.version })}>
            {caller.project}
          </span>
        )}
        <LanguageToggle />
        <ZoneToggle />
        <ThemeToggle />
        <button type="button" class="button quiet small wide-only" onClick={onHelp} aria-label={t('Keys')} title={t('Keys (?)')}>
          <Icon name="keyboard" />
        </button>
        {caller?.signed_in === true && !caller.is_open ? (
          <button type="button" class="button quiet small" onClick={() => void endSession()}>
            {t('Sign out')}
          </button>
        ) : null}
      </div>
    </header>
  );
}

async function endSession(): Promise<void> {
  try {
    await signOut();
  } catch (thrown) {
    showToast(problemOf(thrown).message, 'problem');
  }
}

/** The button names the other language in that language, for a reader who does not know the present one. */
function LanguageToggle() {
  const [next, name] = useStore(language) === 'en' ? (['zh-CN', '中文'] as const) : (['en', 'English'] as const);
  const change = (): void => {
    chooseLanguage(next).catch((thrown) => showToast(problemOf(thrown).message, 'problem'));
  };
  return (
    <button type="button" class="button quiet small" lang={next} onClick={change}>
      {name}
    </button>
  );
}

function ZoneToggle() {
  const chosen = useStore(zone);
  return (
    <button
      type="button"
      class="button quiet small"
      aria-pressed={chosen === 'utc'}
      onClick={() => zone.set(chosen === 'utc' ? 'local' : 'utc')}
      title={
        chosen === 'utc'
          ? t('Exact times are in UTC. Press to show local times.')
          : t('Exact times are in the time zone of this browser. Press to show UTC.')
      }
    >
      <Icon name="clock" size={14} /> {chosen === 'utc' ? 'UTC' : t('Local')}
    </button>
  );
}

function ThemeToggle() {
  const chosen = useStore(theme);
  const next = chosen === 'system' ? 'light' : chosen === 'light' ? 'dark' : 'system';
  return (
    <button
      type="button"
      class="button quiet small"
      onClick={() => theme.set(next)}
      aria-label={t('Colours: {theme}; change to {next}', { theme: t(chosen), next: t(next) })}
      title={t('Colours: {theme}', { theme: t(chosen) })}
    >
      <Icon name={chosen === 'system' ? 'system' : chosen === 'light' ? 'sun' : 'moon'} />
    </button>
  );
}
