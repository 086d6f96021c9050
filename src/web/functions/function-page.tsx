import { useEffect, useState } from 'preact/hooks';
import type { DestinationGraph, FunctionView } from '#src/gateway/api/schemas/functions.ts';
import { type ApiResponse, request } from '../api/http.ts';
import { useAction } from '../invocation/actions.tsx';
import { Icon } from '../parts/icon.tsx';
import { Empty, ProblemNotice, Skeleton } from '../parts/notices.tsx';
import { Link, paths } from '../shell/router.tsx';
import { useRole } from '../shell/session.ts';
import { showToast } from '../shell/toasts.tsx';
import { useFetch } from '../shell/use-fetch.ts';
import { Configuration, Versions } from './configuration.tsx';
import { GraphCard, useGraph } from './graph.tsx';
import { InvokeDialog } from './invoke.tsx';
import { FunctionBadges } from './list.tsx';
import { PolicyCard } from './policy.tsx';
import { StatsCard } from './stats.tsx';
import '../styles/functions.css';

/** One function: its statistics, configuration, policy and destinations. */
export function FunctionPage({ name }: { name: string }) {
  const path = `/api/functions/${encodeURIComponent(name)}`;
  const { content, problem, reload } = useFetch(name, (signal) => request<FunctionView>(path, { signal }));
  if (content !== undefined) return <LoadedFunction name={name} path={path} response={content} reload={reload} />;
  return (
    <div class="page">
      {problem === undefined ? (
        <Skeleton lines={12} height={24} />
      ) : problem.status === 404 ? (
        <NoFunction name={name} />
      ) : (
        <ProblemNotice problem={problem} onRetry={reload} />
      )}
    </div>
  );
}

function NoFunction({ name }: { name: string }) {
  return (
    <Empty title="There is no such function" icon="search" command="npx sequent fn ls">
      <p>
        No function with this name is defined now. A deleted function still has{' '}
        <Link to={`/?function=${encodeURIComponent(name)}`}>its invocations</Link>.
      </p>
    </Empty>
  );
}

type LoadedFunctionProps = { name: string; path: string; response: ApiResponse<FunctionView>; reload: () => void };

function LoadedFunction({ name, path, response, reload }: LoadedFunctionProps) {
  const [isInvoking, setIsInvoking] = useState(false);
  const graph = useGraph();
  const { reload: reloadGraph } = graph;
  // A new definition may have other destinations.
  useEffect(() => reloadGraph(), [response.etag, reloadGraph]);
  const { definition } = response.content;
  return (
    <div class="page">
      <div class="page-head">
        <Link to={paths.functions} class="button quiet small" aria-label="All functions">
          <Icon name="back" />
        </Link>
        <h1>{definition.name}</h1>
        <FunctionBadges
          isPaused={definition.paused}
          isInLoop={graph.content?.loops.flat().some((id) => id.split(':')[0] === name) === true}
          kind={definition.handler.kind}
        />
        <div class="spring" />
        <Link to={`/?function=${encodeURIComponent(name)}`} class="button small">
          Invocations
        </Link>
        <PauseButton path={path} isPaused={definition.paused} onDone={reload} />
        <InvokeButton onClick={() => setIsInvoking(true)} />
      </div>
      {definition.description === '' ? null : <p class="lead">{definition.description}</p>}
      <StatsCard name={name} />
      <div class="columns">
        <div class="column">
          <PolicyCard
            key={JSON.stringify(definition.policy)}
            path={path}
            response={response}
            functions={functionsIn(graph.content, name)}
            onSaved={reload}
          />
        </div>
        <div class="column">
          <Configuration view={response.content} />
          <Versions view={response.content} />
        </div>
      </div>
      <GraphCard fetched={graph} around={name} />
      {isInvoking ? <InvokeDialog view={response.content} onClose={() => setIsInvoking(false)} /> : null}
    </div>
  );
}

function InvokeButton({ onClick }: { onClick: () => void }) {
  return (
    <button type="button" class="button small primary" {...useRole('invoke')} onClick={onClick}>
      <Icon name="play" size={14} /> Invoke…
    </button>
  );
}

function PauseButton({ path, isPaused, onDone }: { path: string; isPaused: boolean; onDone: () => void }) {
  const { run, isRunning, problem } = useAction<unknown>();
  const role = useRole('deploy');
  const toggle = (): void =>
    void run(async () => {
      await request(`${path}/${isPaused ? 'resume' : 'pause'}`, { method: 'POST' });
      showToast(isPaused ? 'Resumed' : 'Paused: queued invocations wait, and their age grows');
      onDone();
      return true;
    });
  return (
    <>
      {problem === undefined ? null : <span class="wrong">{problem.message}</span>}
      <button type="button" class="button small" title={role.title} disabled={isRunning || role.disabled} onClick={toggle}>
        <Icon name={isPaused ? 'play' : 'pause'} size={14} /> {isPaused ? 'Resume' : 'Pause'}
      </button>
    </>
  );
}

function functionsIn(graph: DestinationGraph | undefined, except: string): string[] {
  const names = graph?.nodes.flatMap(({ kind, function: name }) => (kind === 'function' && name !== except ? [name] : []));
  return [...new Set(names)].sort((one, other) => one.localeCompare(other, 'en'));
}
