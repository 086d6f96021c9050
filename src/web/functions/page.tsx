import { useRef } from 'preact/hooks';
import type { FunctionSummary, StatsRow } from '#src/gateway/api/functions/function-schemas.ts';
import { get } from '../api/http.ts';
import { SegmentedControl } from '../parts/forms/segmented-control.tsx';
import { Icon } from '../parts/icon.tsx';
import { Empty, ProblemNotice, Skeleton } from '../parts/notices.tsx';
import { RichText } from '../parts/rich-text.tsx';
import { useKeys } from '../shell/keys.ts';
import { formatNumber, t } from '../shell/language.ts';
import { changeQuery, Link, paths, useLocation } from '../shell/router.tsx';
import { useFetch } from '../shell/use-fetch.ts';
import { GraphCard, useGraph } from './graph/graph.tsx';
import { functionsInLoops } from './graph/graph-nodes.ts';
import { FunctionList, type FunctionRow, failuresOf } from './list.tsx';
import '../styles/pages/functions.css';

type Stats = { functions: (StatsRow & { function: string })[] };
type SortOrder = 'by name' | 'failing first' | 'busiest first';
const READ_EVERY_MS = 15_000;

/** All functions with their statistics, and the graph of their destinations. */
export function FunctionsPage() {
  const { content, problem, reload } = useFetch('functions', (signal) => get<{ functions: FunctionSummary[] }>('/api/functions', signal), {
    everyMs: READ_EVERY_MS,
  });
  const functions = content?.functions;
  const hasFunctions = functions !== undefined && functions.length > 0;
  return (
    <div class="page">
      <div class="page-head">
        <h1>{t('Functions')}</h1>
        {functions === undefined ? null : (
          <span class="hint">{t('{count}; statistics of the last hour', { count: formatNumber(functions.length) })}</span>
        )}
        <div class="spring" />
        {hasFunctions ? <ListControls /> : null}
        <Link to={paths.newFunction} class="button primary small">
          {t('New function')}
        </Link>
      </div>
      {problem === undefined ? null : <ProblemNotice problem={problem} onRetry={reload} />}
      {functions === undefined && problem === undefined ? <Skeleton lines={8} height={28} /> : null}
      {functions?.length === 0 ? (
        <Empty title={t('No functions yet')} command="sequent fn put hello --file ./hello.mjs">
          <p>
            <RichText
              text="A function is a module that exports a handler, a NATS responder, or an HTTP endpoint. {link}, or in a terminal:"
              values={{ link: <Link to={paths.newFunction}>{t('Write the first one here')}</Link> }}
            />
          </p>
        </Empty>
      ) : null}
      {hasFunctions ? <ListAndGraph functions={functions} /> : null}
    </div>
  );
}

/** Search and order of the list, as the address of the page holds them. */
function useListQuery(): { text: string; order: SortOrder } {
  const { query } = useLocation();
  return { text: query.get('q') ?? '', order: sortOrders.find((one) => one === query.get('order')) ?? 'by name' };
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
        onChange={(chosen) => changeQuery({ order: chosen === 'by name' ? '' : chosen })}
      />
      <label class="find">
        <Icon name="search" size={14} />
        <span class="unseen">{t('Find a function')}</span>
        <input
          ref={search}
          type="search"
          placeholder={t('Find a function')}
          value={text}
          onInput={({ currentTarget }) => changeQuery({ q: currentTarget.value })}
        />
      </label>
    </>
  );
}

function ListAndGraph({ functions }: { functions: readonly FunctionSummary[] }) {
  const { text, order } = useListQuery();
  const stats = useFetch('stats', (signal) => get<Stats>('/api/stats', signal), { everyMs: READ_EVERY_MS });
  const graph = useGraph();
  const inLoop = functionsInLoops(graph.content);
  const rows = functions
    .map(
      (summary): FunctionRow => ({
        summary,
        stats: stats.content?.functions.find((row) => row.function === summary.name),
        isInLoop: inLoop.has(summary.name),
      }),
    )
    .filter(({ summary }) => `${summary.name} ${summary.description}`.toLowerCase().includes(text.toLowerCase()))
    .sort(compare[order]);
  return (
    <>
      {stats.problem === undefined ? null : <ProblemNotice problem={stats.problem} onRetry={stats.reload} />}
      <section class="card functions" aria-label={t('All functions')}>
        {rows.length === 0 ? (
          <p class="nothing">{t('No function has this text in its name or description.')}</p>
        ) : (
          <FunctionList rows={rows} />
        )}
      </section>
      <GraphCard fetched={graph} />
    </>
  );
}

const sortOrders: readonly SortOrder[] = ['by name', 'failing first', 'busiest first'];
const byName = (one: FunctionRow, other: FunctionRow): number => one.summary.name.localeCompare(other.summary.name, 'en');
const compare: Readonly<Record<SortOrder, (one: FunctionRow, other: FunctionRow) => number>> = {
  'by name': byName,
  'failing first': (one, other) => failuresOf(other.stats) - failuresOf(one.stats) || byName(one, other),
  'busiest first': (one, other) => (other.stats?.accepted ?? 0) - (one.stats?.accepted ?? 0) || byName(one, other),
};
