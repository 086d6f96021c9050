import { useState } from 'preact/hooks';
import type { DestinationGraph, FunctionView } from '#src/gateway/api/functions/function-schemas.ts';
import type { ApiResponse } from '../../api/http.ts';
import type { FunctionChoice } from './function-target.tsx';
import { PolicyCard } from './policy.tsx';

type AsyncConfigurationProps = {
  path: string;
  response: ApiResponse<FunctionView>;
  /** The functions that can be destinations; `undefined` while they are loaded. */
  graph: DestinationGraph | undefined;
  onSaved: () => void;
};

/** The asynchronous policies of a function: that of latest, of each version, and of the aliases with a policy of their own. */
export function AsyncConfiguration({ path, response, graph, onSaved }: AsyncConfigurationProps) {
  const { definition, versions, aliases } = response.content;
  const [chosen, setChosen] = useState('latest');
  const alias = aliases.find((one) => `!${one.alias}` === chosen);
  const policyOfVersion = (name: string) => versions.find(({ version }) => version === name)?.policy;
  const own = alias === undefined ? (policyOfVersion(chosen) ?? definition.policy) : alias.policy;
  const isKnown = alias !== undefined || policyOfVersion(chosen) !== undefined;
  const qualifiers = ['latest', ...aliases.map((one) => `!${one.alias}`), ...versions.map(({ version }) => version).reverse()];
  return (
    <PolicyCard
      key={`${chosen} ${JSON.stringify(own)}`}
      path={path}
      response={response}
      qualifier={isKnown ? chosen : 'latest'}
      qualifiers={qualifiers}
      policy={own ?? policyOfVersion(alias?.version ?? '') ?? definition.policy}
      isOwn={own !== undefined}
      isUntold={
        graph?.untold?.some(({ from }) => from.includes(labelOf(definition.name, own === undefined ? (alias?.version ?? '') : chosen))) ===
        true
      }
      functions={functionsIn(graph, definition.name)}
      onQualifier={setChosen}
      onSaved={onSaved}
    />
  );
}

const labelOf = (name: string, qualifier: string): string => (qualifier === 'latest' ? name : `${name}:${qualifier}`);

/** The functions of the graph, with the versions and aliases of each. A destination of the function itself would be a loop. */
function functionsIn(graph: DestinationGraph | undefined, except: string): FunctionChoice[] {
  const found = new Map<string, string[]>();
  for (const { kind, function: name, qualifier } of graph?.nodes ?? []) {
    if (kind !== 'function' || name === except) continue;
    found.set(name, [...(found.get(name) ?? []), ...(qualifier === undefined ? [] : [qualifier])]);
  }
  return [...found].map(([name, qualifiers]) => ({ name, qualifiers })).sort((one, other) => one.name.localeCompare(other.name, 'en'));
}
