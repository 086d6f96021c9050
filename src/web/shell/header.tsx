import { Icon } from '../parts/icon.tsx';
import { problemOf } from './asked.ts';
import { Link, paths, usePlace } from './router.tsx';
import { session, signOut } from './session.ts';
import { theme, zone } from './settings.ts';
import { useStore } from './store.ts';
import { say } from './toasts.tsx';

const entries: readonly { to: string; word: string; below: string }[] = [
  { to: paths.invocations, word: 'Invocations', below: '/invocations' },
  { to: paths.functions, word: 'Functions', below: '/functions' },
  { to: paths.deadLetters, word: 'Dead letters', below: '/dead-letters' },
  { to: paths.system, word: 'System', below: '/system' },
];

export function Header({ onHelp }: { onHelp: () => void }) {
  const { path } = usePlace();
  const known = useStore(session);
  // Whoever has to sign in first has nowhere to go.
  const mayLook = known === undefined || known.is_open || known.signed_in;
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
      {mayLook ? (
        <nav aria-label="Pages">
          {entries.map(({ to, word, below }) => (
            <Link key={to} to={to} aria-current={path === to || path.startsWith(`${below}/`) ? 'page' : undefined}>
              {word}
            </Link>
          ))}
        </nav>
      ) : null}
      <div class="header-tools">
        {known?.project == null ? null : (
          <span class="project" title={`Project ${known.project}; Sequent ${known.version}`}>
            {known.project}
          </span>
        )}
        <ZoneToggle />
        <ThemeToggle />
        <button type="button" class="button quiet small wide-only" onClick={onHelp} aria-label="Keys" title="Keys (?)">
          <Icon name="keyboard" />
        </button>
        {known?.signed_in === true && !known.is_open ? (
          <button type="button" class="button quiet small" onClick={() => void leave()}>
            Sign out
          </button>
        ) : null}
      </div>
    </header>
  );
}

async function leave(): Promise<void> {
  try {
    await signOut();
  } catch (thrown) {
    say(problemOf(thrown).message, 'problem');
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
          ? 'Exact times are in UTC; press for those of this browser'
          : 'Exact times are those of this browser; press for UTC'
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
