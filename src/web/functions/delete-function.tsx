import { useState } from 'preact/hooks';
import type { DestinationGraph, FunctionView } from '#src/gateway/api/functions/function-schemas.ts';
import { get, request, withQuery } from '../api/http.ts';
import { useAction } from '../invocation/actions.tsx';
import { FormField } from '../parts/forms/form-field.tsx';
import { ProblemNotice, Skeleton } from '../parts/notices.tsx';
import { RichText } from '../parts/rich-text.tsx';
import { Dialog, DialogFooter } from '../shell/dialog.tsx';
import { formatNumber, t, tn } from '../shell/language.ts';
import { Link, navigate, paths } from '../shell/router.tsx';
import { showToast } from '../shell/toasts.tsx';
import { useFetch } from '../shell/use-fetch.ts';
import { functionAt } from './graph/graph-nodes.ts';

type Dependents = { functions: { node: string; name: string; when: string }[]; open: number; isAtLeast: boolean };
type Counts = { by_state: Record<string, number>; is_at_least: boolean };

/** Deletes a function, after it shows what depends on the function. The user types the name. */
export function DeleteFunction({ path, view, onClose }: { path: string; view: FunctionView; onClose: () => void }) {
  const { name } = view.definition;
  const dependents = useFetch(`delete ${name}`, (signal) => readDependents(name, signal));
  const [typed, setTyped] = useState('');
  const { run, isRunning, problem } = useAction<unknown>();
  const remove = (): void =>
    void run(async () => {
      await request(path, { method: 'DELETE', headers: { 'If-Match': `"${view.revision}"` } });
      showToast(t('{name} is deleted', { name }));
      navigate(paths.functions);
      return true;
    });
  return (
    <Dialog title={t('Delete {name}', { name })} onClose={onClose}>
      <div class="dialog-body">
        {dependents.problem === undefined ? null : <ProblemNotice problem={dependents.problem} onRetry={dependents.reload} />}
        {dependents.content === undefined ? <Skeleton lines={3} /> : <Consequences view={view} dependents={dependents.content} />}
        <FormField label={t('Type {name} to confirm', { name })} value={typed} onChange={setTyped} />
        {problem === undefined ? null : <ProblemNotice problem={problem} />}
      </div>
      <DialogFooter onClose={onClose}>
        <button type="button" class="button danger" disabled={isRunning || typed !== name} onClick={remove}>
          {t('Delete the function')}
        </button>
      </DialogFooter>
    </Dialog>
  );
}

async function readDependents(name: string, signal: AbortSignal): Promise<Dependents> {
  const [graph, counts] = await Promise.all([
    get<DestinationGraph>('/api/destinations/graph', signal),
    get<Counts>(withQuery('/api/invocations/counts', { function: name }), signal),
  ]);
  const functions = graph.edges
    .map(({ from, to, when, destination }) => ({ node: from, name: functionAt(graph, from), to: functionAt(graph, to), when, destination }))
    .filter((edge) => edge.destination === 'FunctionGraph' && edge.to === name && edge.name !== name);
  const open = ['queued', 'running', 'retrying'].reduce((sum, state) => sum + (counts.by_state[state] ?? 0), 0);
  return { functions, open, isAtLeast: counts.is_at_least };
}

function Consequences({ view: { versions, aliases }, dependents }: { view: FunctionView; dependents: Dependents }) {
  const { functions, open, isAtLeast } = dependents;
  return (
    <ul class="dependents">
      {functions.map(({ node, name, when }) => (
        <li key={`${node} ${when}`}>
          <RichText
            text={
              when === 'success'
                ? '{function} notifies this function on success. Those deliveries will fail.'
                : '{function} notifies this function on failure. Those deliveries will fail.'
            }
            values={{ function: <Link to={paths.function(name)}>{node}</Link> }}
          />
        </li>
      ))}
      {functions.length === 0 ? <li>{t('No function has this function as a destination.')}</li> : null}
      <li>
        {open === 0
          ? t('No invocation is open.')
          : isAtLeast
            ? t('At least {count} invocations are open and fail with the condition FunctionNotFound.', { count: formatNumber(open) })
            : tn(open, [
                '1 invocation is open and fails with the condition FunctionNotFound.',
                '{count} invocations are open and fail with the condition FunctionNotFound.',
              ])}
      </li>
      {versions.length + aliases.length === 0 ? null : (
        <li>
          {t('Its versions and aliases are deleted with it: {names}.', {
            names: [...versions.map(({ version }) => version), ...aliases.map(({ alias }) => `!${alias}`)].join(', '),
          })}
        </li>
      )}
      <li>{t('Finished invocations stay in the log.')}</li>
    </ul>
  );
}
