import { Icon } from '../parts/icon.tsx';
import { Link, paths, useLocation } from './router.tsx';
import { session, signOut } from './session.ts';
import { theme, zone } from './settings.ts';
import { useStore } from './store.ts';
import { showToast } from './toasts.tsx';
import { problemOf } from './use-fetch.ts';

const entries: readonly { to: string; label: string; prefix: string }[] = [
  { to: paths.invocations, label: 'Invocations', prefix: '/invocations' },
  { to: paths.functions, label: 'Functions', prefix: '/functions' },
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
      <Link to={paths.invocations} class="brand" aria-label="Sequent: invocations">
        <svg width="22" height="22" viewBox="0 0 32 32" aria-hidden="true">
          <rect width="32" height="32" rx="8" class="brand-ground" />
          <path d="M8 22h5a3 3 0 0 0 3-3v-6a3 3 0 0 1 3-3h5" class="brand-line" />
          <circle cx="8" cy="22" r="2.8" class="brand-dot" />
          <circle cx="24" cy="10" r="2.8" class="brand-dot" />
        </svg>
        <span>Sequent</span>
      </Link>
      {hasAccess ? (
        <nav aria-label="Pages">
          {entries.map(({ to, label, prefix }) => (
            <Link key={to} to={to} aria-current={path === to || path.startsWith(`${prefix}/`) ? 'page' : undefined}>
              {label}
            </Link>
          ))}
        </nav>
      ) : null}
      <div class="header-tools">
        {caller?.project == null ? null : (
          <span class="project" title={`Project ${caller.project}; Sequent ${caller.version}`}>
            {caller.project}
          </span>
        )}
        <ZoneToggle />
        <ThemeToggle />
        <button type="button" class="button quiet small wide-only" onClick={onHelp} aria-label="Keys" title="Keys (?)">
          <Icon name="keyboard" />
        </button>
        {caller?.signed_in === true && !caller.is_open ? (
          <button type="button" class="button quiet small" onClick={() => void endSession()}>
            Sign out
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
          ? 'Exact times are in UTC. Press to show local times.'
          : 'Exact times are in the time zone of this browser. Press to show UTC.'
      }
    >
      <Icon name="clock" size={14} /> {chosen === 'utc' ? 'UTC' : 'Local'}
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
      aria-label={`Colours: ${chosen}; change to ${next}`}
      title={`Colours: ${chosen}`}
    >
      <Icon name={chosen === 'system' ? 'system' : chosen === 'light' ? 'sun' : 'moon'} />
    </button>
  );
}
