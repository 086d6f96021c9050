import { useRef } from 'preact/hooks';
import type { FunctionSummary, FunctionsView, StatsRow } from '#src/gateway/api/functions/function-schemas.ts';
import { get, withQuery } from '../api/http.ts';
import { SegmentedControl } from '../parts/forms/segmented-control.tsx';
import { Icon } from '../parts/icon.tsx';
import { Empty, ProblemNotice, Skeleton } from '../parts/notices.tsx';
import { RichText } from '../parts/rich-text.tsx';
import { useKeys } from '../shell/keys.ts';
import { formatNumber, t } from '../shell/language.ts';
import { changeQuery, Link, paths, useLocation } from '../shell/router.tsx';
import { type Fetched, useFetch } from '../shell/use-fetch.ts';
import { GraphCard, useGraph } from './graph/graph.tsx';
import { functionsInLoops } from './graph/graph-nodes.ts';
import { FunctionList, type FunctionRow, failuresOf } from './list.tsx';
import '../styles/pages/functions.css';

type Stats = { functions: (StatsRow & { function: string })[] };
type SortOrder = 'by name' | 'failing first' | 'busiest first';
const READ_EVERY_MS = 15_000;
/** How many functions the page shows. A browser takes seconds for some thousand rows. */
const PAGE = 500;
/** How many functions are shown in the order of their statistics, when the page does not have all of them. Their names are in an address. */
const FIRST = 100;

/** All functions with their statistics, and the graph of their destinations. Of very many functions, a page of them, without the graph. */
export function FunctionsPage() {
  const stats = useFetch('stats', (signal) => get<Stats>('/api/stats', signal), { everyMs: READ_EVERY_MS });
  const { content, problem, reload, isLarge } = useFunctions(stats.content);
  const functions = content?.functions;
  const hasFunctions = isLarge || (functions !== undefined && functions.length > 0);
  return (
    <div class="page">
      <div class="page-head">
        <h1>{t('Functions')}</h1>
        {functions === undefined ? null : <span class="hint">{countText(functions.length, isLarge)}</span>}
        <div class="spring" />
        {hasFunctions ? <ListControls /> : null}
        <Link to={paths.newFunction} class="button primary small">
          {t('New function')}
        </Link>
      </div>
      {problem === undefined ? null : <ProblemNotice problem={problem} onRetry={reload} />}
      {functions === undefined && problem === undefined ? <Skeleton lines={8} height={28} /> : null}
      {functions?.length === 0 && !isLarge ? <NoFunction /> : null}
      {stats.problem === undefined ? null : <ProblemNotice problem={stats.problem} onRetry={stats.reload} />}
      {hasFunctions && content !== undefined ? <Content page={content} stats={stats.content} isLarge={isLarge} /> : null}
    </div>
  );
}

function countText(length: number, isLarge: boolean): string {
  const count = formatNumber(length);
  return isLarge ? t('{count} of many; statistics of the last hour', { count }) : t('{count}; statistics of the last hour', { count });
}

function NoFunction() {
  return (
    <Empty title={t('No functions yet')} command="sequent fn put hello --file ./hello.mjs">
      <p>
        <RichText
          text="A function is a module that exports a handler, a NATS responder, or an HTTP endpoint. {link}, or in a terminal:"
          values={{ link: <Link to={paths.newFunction}>{t('Write the first one here')}</Link> }}
        />
      </p>
    </Empty>
  );
}

function Content({ page, stats, isLarge }: { page: FunctionsView; stats: Stats | undefined; isLarge: boolean }) {
  return isLarge ? (
    <ListCard functions={page.functions} stats={stats} next={page.next_cursor} />
  ) : (
    <ListAndGraph functions={page.functions} stats={stats} />
  );
}

/** All functions, or the page of them that the address of this page names. */
function useFunctions(stats: Stats | undefined): Fetched<FunctionsView> & { isLarge: boolean } {
  const { text, order, cursor } = useListQuery();
  const all = useFetch('functions', (signal) => get<FunctionsView>(withQuery('/api/functions', { limit: PAGE }), signal), {
    everyMs: READ_EVERY_MS,
  });
  const isLarge = all.content?.next_cursor !== undefined;
  const names = order === 'by name' ? undefined : firstNames(stats?.functions ?? [], order).join(',');
  const isPart = isLarge && (text !== '' || cursor !== '' || names !== undefined);
  const query = { limit: PAGE, containing: text, ...(names === undefined ? { cursor } : { names }) };
  const part = useFetch(
    isPart ? JSON.stringify(query) : '',
    async (signal) => (isPart && names !== '' ? await get<FunctionsView>(withQuery('/api/functions', query), signal) : { functions: [] }),
    { everyMs: READ_EVERY_MS },
  );
  return { ...(isPart ? part : all), isLarge };
}

function firstNames(rows: Stats['functions'], order: SortOrder): string[] {
  const of = order === 'failing first' ? failuresOf : ({ accepted }: StatsRow) => accepted;
  const found = rows.filter((row) => of(row) > 0).sort((one, other) => of(other) - of(one));
  return found.slice(0, FIRST).map((row) => row.function);
}

/** Search and order of the list, as the address of the page holds them. */
function useListQuery(): { text: string; order: SortOrder; cursor: string } {
  const { query } = useLocation();
  const order = sortOrders.find((one) => one === query.get('order')) ?? 'by name';
  return { text: query.get('q') ?? '', order, cursor: query.get('cursor') ?? '' };
}

function ListControls() {
  const { text, order } = useListQuery();
  const search = useRef<HTMLInputElement>(null);
  useKeys({ '/': () => search.current?.focus() });
  return (
    <>
      <SegmentedControl
        label={t('Order')}
        value={order}
        choices={sortOrders}
        onChange={(chosen) => changeQuery({ order: chosen === 'by name' ? '' : chosen, cursor: '' })}
      />
      <label class="find">
        <Icon name="search" size={14} />
        <span class="unseen">{t('Find a function')}</span>
        <input
          ref={search}
          type="search"
          placeholder={t('Find a function')}
          value={text}
          onInput={({ currentTarget }) => changeQuery({ q: currentTarget.value, cursor: '' })}
        />
      </label>
    </>
  );
}

function ListAndGraph({ functions, stats }: { functions: readonly FunctionSummary[]; stats: Stats | undefined }) {
  const graph = useGraph();
  return (
    <>
      <ListCard functions={functions} stats={stats} inLoop={functionsInLoops(graph.content)} />
      <GraphCard fetched={graph} />
    </>
  );
}

type ListCardProps = {
  functions: readonly FunctionSummary[];
  stats: Stats | undefined;
  inLoop?: ReadonlySet<string>;
  next?: string | undefined;
};

function ListCard({ functions, stats, inLoop, next }: ListCardProps) {
  const { text, order, cursor } = useListQuery();
  const { query } = useLocation();
  const statsOf = new Map(stats?.functions.map((row) => [row.function, row]));
  const rows = functions
    .map((summary): FunctionRow => ({ summary, stats: statsOf.get(summary.name), isInLoop: inLoop?.has(summary.name) ?? false }))
    .filter(({ summary }) => `${summary.name} ${summary.description}`.toLowerCase().includes(text.toLowerCase()))
    .sort(compare[order]);
  const pageAt = (at: string | undefined): string => withQuery(paths.functions, { ...Object.fromEntries(query), cursor: at });
  return (
    <section class="card functions" aria-label={t('All functions')}>
      {rows.length === 0 && text !== '' ? (
        <p class="nothing">
          {inLoop === undefined ? t('No function has this text in its name.') : t('No function has this text in its name or description.')}
        </p>
      ) : (
        <FunctionList rows={rows} />
      )}
      {next === undefined && cursor === '' ? null : (
        <p class="list-end">
          {cursor === '' ? null : (
            <Link to={pageAt(undefined)} class="button small">
              {t('First page')}
            </Link>
          )}
          {next === undefined ? null : (
            <Link to={pageAt(next)} class="button small">
              {t('Next page')}
            </Link>
          )}
        </p>
      )}
    </section>
  );
}

const sortOrders: readonly SortOrder[] = ['by name', 'failing first', 'busiest first'];
const byName = (one: FunctionRow, other: FunctionRow): number => one.summary.name.localeCompare(other.summary.name, 'en');
const compare: Readonly<Record<SortOrder, (one: FunctionRow, other: FunctionRow) => number>> = {
  'by name': byName,
  'failing first': (one, other) => failuresOf(other.stats) - failuresOf(one.stats) || byName(one, other),
  'busiest first': (one, other) => (other.stats?.accepted ?? 0) - (one.stats?.accepted ?? 0) || byName(one, other),
};
