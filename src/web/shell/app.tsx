import { useEffect, useRef, useState } from 'preact/hooks';
import { InvocationPage } from '../invocation/page.tsx';
import { InvocationsPage } from '../invocations/page.tsx';
import { Empty } from '../parts/notices.tsx';
import { Header } from './header.tsx';
import { Help } from './help.tsx';
import { useKeys } from './keys.ts';
import { lazyComponent } from './lazy.tsx';
import { Login } from './login.tsx';
import { Link, navigate, paths, useLocation } from './router.tsx';
import { Toasts } from './toasts.tsx';

const FunctionsPage = lazyComponent(async () => (await import('../functions/page.tsx')).FunctionsPage);
const FunctionPage = lazyComponent(async () => (await import('../functions/function-page.tsx')).FunctionPage);
const DeadLettersPage = lazyComponent(async () => (await import('../system/dead-letters.tsx')).DeadLettersPage);
const SystemPage = lazyComponent(async () => (await import('../system/page.tsx')).SystemPage);

export function App() {
  const { path } = useLocation();
  const [isHelpOpen, setIsHelpOpen] = useState(false);
  useKeys({
    '?': () => setIsHelpOpen(true),
    'g i': () => navigate(paths.invocations),
    'g f': () => navigate(paths.functions),
    'g d': () => navigate(paths.deadLetters),
    'g s': () => navigate(paths.system),
  });
  const isFirst = useRef(true);
  useEffect(() => {
    document.title = titleOf(path);
    // For keyboards and screen readers: after a link was followed, the focus is at the start of the new page.
    const main = document.getElementById('main');
    if (!isFirst.current && main?.contains(document.activeElement) === false) main.focus({ preventScroll: true });
    isFirst.current = false;
  }, [path]);
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Header onHelp={() => setIsHelpOpen(true)} />
      <main id="main" tabIndex={-1}>
        <Page path={path} />
      </main>
      <Toasts />
      {isHelpOpen ? <Help onClose={() => setIsHelpOpen(false)} /> : null}
    </>
  );
}

function Page({ path }: { path: string }) {
  const [, first = '', second, ...more] = path.split('/');
  const name = second === undefined || second === '' || more.length > 0 ? undefined : decode(second);
  if (path === paths.invocations) return <InvocationsPage />;
  if (path === paths.login) return <Login />;
  if (path === paths.functions) return <FunctionsPage />;
  if (path === paths.deadLetters) return <DeadLettersPage />;
  if (path === paths.system) return <SystemPage />;
  if (first === 'invocations' && name !== undefined) return <InvocationPage key={name} id={name} />;
  if (first === 'functions' && name !== undefined) return <FunctionPage key={name} name={name} />;
  return (
    <Empty title="There is no such page" icon="alert">
      <p>
        <Link to={paths.invocations}>Go to the invocations</Link>
      </p>
    </Empty>
  );
}

function titleOf(path: string): string {
  const [, first = '', second] = path.split('/');
  if (second !== undefined && second !== '') return `${decode(second)} · Sequent`;
  return `${first === '' ? 'Invocations' : first.charAt(0).toUpperCase() + first.slice(1).replace('-', ' ')} · Sequent`;
}

/** Decodes a segment of the path. A malformed segment stays as it is, and the page then reports that nothing has this name. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
