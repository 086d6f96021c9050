import { formatDuration } from '#src/core/format-duration.ts';
import type { FunctionSummary } from '#src/gateway/api/schemas/functions.ts';
import { get } from '../api/http.ts';
import { Empty, ProblemNotice, Skeleton } from '../parts/notices.tsx';
import { Badge } from '../parts/state.tsx';
import { useAsked } from '../shell/asked.ts';
import { Link, paths } from '../shell/router.tsx';
import { GraphCard } from './graph.tsx';
import '../styles/functions.css';

type Rate = { function: string; accepted: number; by_condition: Record<string, number>; duration_ms?: { p50: number; p99: number } };

export function FunctionsPage() {
  const { content, problem, again } = useAsked('functions', (signal) => get<{ functions: FunctionSummary[] }>('/api/functions', signal));
  const rates = useAsked('rates', (signal) => get<{ functions: Rate[] }>('/api/stats', signal));
  const functions = content?.functions;
  return (
    <div class="page">
      <div class="page-head">
        <h1>Functions</h1>
        {functions === undefined ? null : <span class="hint">{functions.length}</span>}
      </div>
      {problem === undefined ? null : <ProblemNotice problem={problem} again={again} />}
      {functions === undefined && problem === undefined ? <Skeleton lines={8} height={28} /> : null}
      {functions?.length === 0 ? (
        <Empty title="No functions yet" command="npx sequent fn put hello --file ./hello.mjs">
          <p>A function is a module that exports a handler, a NATS responder, or an HTTP endpoint.</p>
        </Empty>
      ) : null}
      {functions !== undefined && functions.length > 0 ? (
        <>
          <ul class="function-list">
            {functions.map((one) => (
              <FunctionCard key={one.name} summary={one} rate={rates.content?.functions.find((rate) => rate.function === one.name)} />
            ))}
          </ul>
          <GraphCard />
        </>
      ) : null}
    </div>
  );
}

function FunctionCard({ summary, rate }: { summary: FunctionSummary; rate: Rate | undefined }) {
  const { name, description, handler_kind, paused, policy, versions, aliases } = summary;
  const failures = Object.entries(rate?.by_condition ?? {}).reduce((sum, [, count]) => sum + count, 0);
  return (
    <li class="card function-card">
      <div class="function-name">
        <Link to={paths.function(name)}>{name}</Link>
        {paused ? <span class="badge tone-retrying">Paused</span> : null}
        <span class="tag">{handler_kind}</span>
      </div>
      <p class="hint">{description === '' ? 'no description' : description}</p>
      <dl class="function-facts">
        <div>
          <dt>Last hour</dt>
          <dd>{rate === undefined ? '–' : rate.accepted.toLocaleString('en')}</dd>
        </div>
        <div>
          <dt>Failed</dt>
          <dd>{failures === 0 ? '–' : <Badge name="FAIL" note={failures.toLocaleString('en')} />}</dd>
        </div>
        <div>
          <dt>p50 / p99</dt>
          <dd>
            {rate?.duration_ms === undefined ? '–' : `${formatDuration(rate.duration_ms.p50)} / ${formatDuration(rate.duration_ms.p99)}`}
          </dd>
        </div>
        <div>
          <dt>Retries</dt>
          <dd>{policy.maxRetries}</dd>
        </div>
        <div>
          <dt>Versions</dt>
          <dd>
            {versions.length}
            {aliases.length === 0 ? '' : `, ${aliases.length} ${aliases.length === 1 ? 'alias' : 'aliases'}`}
          </dd>
        </div>
      </dl>
    </li>
  );
}
