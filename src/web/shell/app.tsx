import { type ComponentType, Fragment } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { InvocationPage } from '../invocation/page.tsx';
import { InvocationsPage } from '../invocations/page.tsx';
import { Empty } from '../parts/notices.tsx';
import { Header } from './header.tsx';
import { Help } from './help.tsx';
import { useKeys } from './keys.ts';
import { language, type Text, t } from './language.ts';
import { lazyComponent } from './lazy.tsx';
import { Login } from './login/login.tsx';
import { Link, type Location, navigate, paths, useLocation } from './router.tsx';
import { useStore } from './store.ts';
import { Toasts } from './toasts.tsx';

const FunctionsPage = lazyComponent(async () => (await import('../functions/page.tsx')).FunctionsPage);
const CreateFunctionPage = lazyComponent(async () => (await import('../functions/definition/create-page.tsx')).CreateFunctionPage);
const FunctionPage = lazyComponent(async () => (await import('../functions/function-page.tsx')).FunctionPage);
const SchedulesPage = lazyComponent(async () => (await import('../schedules/page.tsx')).SchedulesPage);
const BatchesPage = lazyComponent(async () => (await import('../batches/page.tsx')).BatchesPage);
const BatchPage = lazyComponent(async () => (await import('../batches/batch-page.tsx')).BatchPage);
const DeadLettersPage = lazyComponent(async () => (await import('../system/dead-letters.tsx')).DeadLettersPage);
const SystemPage = lazyComponent(async () => (await import('../system/page.tsx')).SystemPage);

export function App() {
  const { path, query } = useLocation();
  const chosen = useStore(language);
  const [isHelpOpen, setIsHelpOpen] = useState(false);
  useKeys({
    '?': () => setIsHelpOpen(true),
    'g i': () => navigate(paths.invocations),
    'g f': () => navigate(paths.functions),
    'g h': () => navigate(paths.schedules),
    'g b': () => navigate(paths.batches),
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
  }, [path, chosen]);
  return (
    <Fragment key={chosen}>
      <a class="skip" href="#main">
        {t('Skip to the content')}
      </a>
      <Header onHelp={() => setIsHelpOpen(true)} />
      <main id="main" tabIndex={-1}>
        <Page path={path} query={query} />
      </main>
      <Toasts />
      {isHelpOpen ? <Help onClose={() => setIsHelpOpen(false)} /> : null}
    </Fragment>
  );
}

const fixedPages: Readonly<Record<string, ComponentType | undefined>> = {
  [paths.invocations]: InvocationsPage,
  [paths.login]: Login,
  [paths.functions]: FunctionsPage,
  [paths.schedules]: SchedulesPage,
  [paths.batches]: BatchesPage,
  [paths.deadLetters]: DeadLettersPage,
  [paths.system]: SystemPage,
};

/** The pages of one thing, which has an id, and a function that owns it (ID1). */
const namedPages: Readonly<Record<string, ComponentType<{ id: string; owner: string | undefined }> | undefined>> = {
  invocations: InvocationPage,
  batches: BatchPage,
};

function Page({ path, query }: Location) {
  const [, first = '', second, ...more] = path.split('/');
  const name = second === undefined || second === '' || more.length > 0 ? undefined : decode(second);
  const Fixed = path === paths.functions && query.has('new') ? CreateFunctionPage : fixedPages[path];
  if (Fixed !== undefined) return <Fixed />;
  if (name !== undefined) {
    const owner = query.get('function') ?? undefined;
    const Named = namedPages[first];
    if (Named !== undefined) return <Named key={`${name} ${owner}`} id={name} owner={owner} />;
    if (first === 'functions') return <FunctionPage key={name} name={name} />;
  }
  return (
    <Empty title={t('There is no such page')} icon="alert" isPage>
      <p>
        <Link to={paths.invocations}>{t('Go to the invocations')}</Link>
      </p>
    </Empty>
  );
}

const titles: Readonly<Partial<Record<string, Text>>> = {
  [paths.invocations]: 'Invocations',
  [paths.login]: 'Sign in',
  [paths.functions]: 'Functions',
  [paths.schedules]: 'Schedules',
  [paths.batches]: 'Batches',
  [paths.deadLetters]: 'Dead letters',
  [paths.system]: 'System',
};

function titleOf(path: string): string {
  const [, first = '', second] = path.split('/');
  if (second !== undefined && second !== '') return `${decode(second)} · Sequent`;
  const title = titles[`/${first}`];
  return title === undefined ? 'Sequent' : `${t(title)} · Sequent`;
}

/** Decodes a segment of the path. A malformed segment stays as it is, and the page then reports that nothing has this name. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
