import '../styles/pages/functions.css';
import { useEffect, useState } from 'preact/hooks';
import type { FunctionView } from '#src/gateway/api/functions/function-schemas.ts';
import { type ApiResponse, request } from '../api/http.ts';
import { CodeTab } from '../code/code-tab.tsx';
import { useAction } from '../invocation/actions.tsx';
import { LogsTab } from '../logs/logs-tab.tsx';
import { BackLink } from '../parts/back-link.tsx';
import { Icon } from '../parts/icon.tsx';
import { Empty, ProblemNotice, Skeleton } from '../parts/notices.tsx';
import { RichText } from '../parts/rich-text.tsx';
import { t } from '../shell/language.ts';
import { useRole } from '../shell/login/session.ts';
import { Link, paths, useLocation } from '../shell/router.tsx';
import { showToast } from '../shell/toasts.tsx';
import { useFetch } from '../shell/use-fetch.ts';
import { AsyncConfiguration } from './definition/async-configuration.tsx';
import { Configuration } from './definition/configuration.tsx';
import { EditConfiguration } from './definition/edit-configuration.tsx';
import { DeleteFunction } from './delete-function.tsx';
import { FlowCard } from './flow-card.tsx';
import { GraphCard, useGraph } from './graph/graph.tsx';
import { functionsInLoops } from './graph/graph-nodes.ts';
import { InvokeDialog } from './invoke.tsx';
import { FunctionBadges } from './list.tsx';
import { StatsCard } from './stats/stats.tsx';
import { CanaryCard } from './versions/canary.tsx';
import { VersionsCard } from './versions/versions-card.tsx';

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
    <Empty title={t('There is no such function')} icon="search" command="sequent fn ls" isPage>
      <p>
        <RichText
          text="No function with this name is defined now. A deleted function still has {invocations}."
          values={{ invocations: <Link to={`/?function=${encodeURIComponent(name)}`}>{t('its invocations')}</Link> }}
        />
      </p>
    </Empty>
  );
}

type LoadedFunctionProps = { name: string; path: string; response: ApiResponse<FunctionView>; reload: () => void };

type OpenDialog = 'invoke' | 'configuration' | 'delete';

function LoadedFunction({ name, path, response, reload }: LoadedFunctionProps) {
  const [dialog, setDialog] = useState<OpenDialog>();
  const tab = useLocation().query.get('tab') ?? '';
  const graph = useGraph();
  const { reload: reloadGraph } = graph;
  // A new definition may have other destinations.
  useEffect(() => reloadGraph(), [response.etag, reloadGraph]);
  const { definition } = response.content;
  const close = (): void => setDialog(undefined);
  return (
    <div class="page">
      <div class="page-head">
        <BackLink to={paths.functions} name={t('All functions')} />
        <h1>{definition.name}</h1>
        <FunctionBadges isPaused={definition.paused} isInLoop={functionsInLoops(graph.content).has(name)} kind={definition.handler.kind} />
        <div class="spring" />
        <Link to={`/?function=${encodeURIComponent(name)}`} class="button small">
          {t('Invocations')}
        </Link>
        <PauseButton path={path} isPaused={definition.paused} onDone={reload} />
        <DeleteButton onClick={() => setDialog('delete')} />
        <InvokeButton onClick={() => setDialog('invoke')} />
      </div>
      {definition.description === '' ? null : <p class="lead">{definition.description}</p>}
      <FunctionTabs name={name} shown={tab} />
      {tab === 'code' ? <CodeTab path={path} response={response} onSaved={reload} /> : null}
      {tab === 'logs' ? <LogsTab name={name} path={path} /> : null}
      {tab === '' ? <Overview {...{ name, path, response, reload, graph }} onEdit={() => setDialog('configuration')} /> : null}
      {dialog === 'invoke' ? <InvokeDialog view={response.content} onClose={close} /> : null}
      {dialog === 'configuration' ? <EditConfiguration path={path} response={response} onClose={close} onSaved={reload} /> : null}
      {dialog === 'delete' ? <DeleteFunction path={path} view={response.content} onClose={close} /> : null}
    </div>
  );
}

type OverviewProps = LoadedFunctionProps & { graph: ReturnType<typeof useGraph>; onEdit: () => void };

function Overview({ name, path, response, reload, graph, onEdit }: OverviewProps) {
  return (
    <>
      <StatsCard name={name} />
      <CanaryCard name={name} path={path} view={response.content} onMoved={reload} />
      <div class="columns">
        <div class="column">
          <AsyncConfiguration path={path} response={response} graph={graph.content} onSaved={reload} />
        </div>
        <div class="column">
          <Configuration view={response.content} onEdit={onEdit} />
          {response.content.definition.flow === undefined ? null : <FlowCard view={response.content} />}
          <VersionsCard path={path} view={response.content} onChanged={reload} />
        </div>
      </div>
      <GraphCard fetched={graph} around={name} />
    </>
  );
}

function DeleteButton({ onClick }: { onClick: () => void }) {
  return (
    <button type="button" class="button small danger" {...useRole('deploy')} onClick={onClick}>
      {t('Delete…')}
    </button>
  );
}

function InvokeButton({ onClick }: { onClick: () => void }) {
  return (
    <button type="button" class="button small primary" {...useRole('invoke')} onClick={onClick}>
      <Icon name="play" size={14} /> {t('Invoke…')}
    </button>
  );
}

function PauseButton({ path, isPaused, onDone }: { path: string; isPaused: boolean; onDone: () => void }) {
  const { run, isRunning, problem } = useAction<unknown>();
  const role = useRole('deploy');
  const toggle = (): void =>
    void run(async () => {
      await request(`${path}/${isPaused ? 'resume' : 'pause'}`, { method: 'POST' });
      showToast(isPaused ? t('Resumed') : t('Paused: queued invocations wait, and their age grows'));
      onDone();
      return true;
    });
  return (
    <>
      {problem === undefined ? null : <span class="wrong">{problem.message}</span>}
      <button type="button" class="button small" title={role.title} disabled={isRunning || role.disabled} onClick={toggle}>
        <Icon name={isPaused ? 'play' : 'pause'} size={14} /> {isPaused ? t('Resume') : t('Pause')}
      </button>
    </>
  );
}

const tabs = [
  { key: '', label: 'Overview' },
  { key: 'code', label: 'Code' },
  { key: 'logs', label: 'Logs' },
] as const;

/** The parts of the page of a function. The address of the page names the shown part. */
function FunctionTabs({ name, shown }: { name: string; shown: string }) {
  return (
    <nav class="tabs" aria-label={t('Parts of the function')}>
      {tabs.map(({ key, label }) => (
        <Link
          key={key}
          to={key === '' ? paths.function(name) : `${paths.function(name)}?tab=${key}`}
          aria-current={key === shown ? 'page' : undefined}
        >
          {t(label)}
        </Link>
      ))}
    </nav>
  );
}
