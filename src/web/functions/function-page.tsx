import { useEffect, useState } from 'preact/hooks';
import type { DestinationGraph, FunctionView } from '#src/gateway/api/schemas/functions.ts';
import { ask } from '../api/http.ts';
import { useAction } from '../invocation/actions.tsx';
import { Icon } from '../parts/icon.tsx';
import { Empty, ProblemNotice, Skeleton } from '../parts/notices.tsx';
import { useAsked } from '../shell/asked.ts';
import { Link, paths } from '../shell/router.tsx';
import { say } from '../shell/toasts.tsx';
import { Configuration, Versions } from './configuration.tsx';
import { GraphCard, useGraph } from './graph.tsx';
import { InvokeDialog } from './invoke.tsx';
import { FunctionMarks } from './list.tsx';
import { PolicyCard } from './policy.tsx';
import { StatsCard } from './stats.tsx';
import '../styles/functions.css';

/** One function: how it does, how it is configured, and who is told. */
export function FunctionPage({ name }: { name: string }) {
  const path = `/api/functions/${encodeURIComponent(name)}`;
  const { content, problem, again } = useAsked(name, (signal) => ask<FunctionView>(path, { signal }));
  const [isInvoking, setIsInvoking] = useState(false);
  const graph = useGraph();
  const { again: lookAtGraph } = graph;
  const etag = content?.etag;
  // Whoever is told may be others now.
  useEffect(() => lookAtGraph(), [etag, lookAtGraph]);
  if (content === undefined)
    return (
      <div class="page">
        {problem === undefined ? (
          <Skeleton lines={12} height={24} />
        ) : problem.status === 404 ? (
          <Empty title="There is no such function" icon="search" command="npx sequent fn ls">
            <p>
              Nothing is defined under this name now. What it did before is still in{' '}
              <Link to={`/?function=${encodeURIComponent(name)}`}>its invocations</Link>.
            </p>
          </Empty>
        ) : (
          <ProblemNotice problem={problem} again={again} />
        )}
      </div>
    );
  const { definition } = content.content;
  return (
    <div class="page">
      <div class="page-head">
        <Link to={paths.functions} class="button quiet small" aria-label="All functions">
          <Icon name="back" />
        </Link>
        <h1>{definition.name}</h1>
        <FunctionMarks
          isPaused={definition.paused}
          isInLoop={graph.content?.loops.flat().some((id) => id.split(':')[0] === name) === true}
          kind={definition.handler.kind}
        />
        <div class="spring" />
        <Link to={`/?function=${encodeURIComponent(name)}`} class="button small">
          Invocations
        </Link>
        <PauseButton path={path} isPaused={definition.paused} onDone={again} />
        <button type="button" class="button small primary" onClick={() => setIsInvoking(true)}>
          <Icon name="play" size={14} /> Invoke…
        </button>
      </div>
      {definition.description === '' ? null : <p class="lead">{definition.description}</p>}
      <StatsCard name={name} />
      <div class="columns">
        <div class="column">
          <PolicyCard
            key={JSON.stringify(definition.policy)}
            path={path}
            answer={content}
            functions={functionsIn(graph.content, name)}
            onSaved={again}
          />
        </div>
        <div class="column">
          <Configuration view={content.content} />
          <Versions view={content.content} />
        </div>
      </div>
      <GraphCard asked={graph} around={name} />
      {isInvoking ? <InvokeDialog view={content.content} onClose={() => setIsInvoking(false)} /> : null}
    </div>
  );
}

function PauseButton({ path, isPaused, onDone }: { path: string; isPaused: boolean; onDone: () => void }) {
  const { run, isRunning, problem } = useAction<unknown>();
  const change = (): void =>
    void run(async () => {
      await ask(`${path}/${isPaused ? 'resume' : 'pause'}`, { method: 'POST' });
      say(isPaused ? 'It starts again' : 'Paused: what is queued waits, and ages');
      onDone();
      return true;
    });
  return (
    <>
      {problem === undefined ? null : <span class="wrong">{problem.message}</span>}
      <button type="button" class="button small" disabled={isRunning} onClick={change}>
        <Icon name={isPaused ? 'play' : 'pause'} size={14} /> {isPaused ? 'Resume' : 'Pause'}
      </button>
    </>
  );
}

function functionsIn(graph: DestinationGraph | undefined, besides: string): string[] {
  const names = graph?.nodes.flatMap(({ kind, function: name }) => (kind === 'function' && name !== besides ? [name] : []));
  return [...new Set(names)].sort((one, other) => one.localeCompare(other, 'en'));
}
