import { useMemo } from 'preact/hooks';
import type { DestinationGraph } from '#src/gateway/api/schemas/functions.ts';
import { get } from '../api/http.ts';
import { Icon } from '../parts/icon.tsx';
import { ProblemNotice, Skeleton } from '../parts/notices.tsx';
import { Scrollable } from '../parts/scrollable.tsx';
import { useAsked } from '../shell/asked.ts';
import { follow, Link, paths } from '../shell/router.tsx';
import { NODE, type PlacedNode, placeGraph } from './graph-layout.ts';

/** Who tells whom about what became of an invocation. A loop is written out, and drawn so that nobody misses it. */
export function GraphCard() {
  const { content, problem, again } = useAsked('graph', (signal) => get<DestinationGraph>('/api/destinations/graph', signal));
  return (
    <section class="card graph" aria-label="Destinations">
      <div class="card-head">
        <h2>Who is told</h2>
        <div class="spring" />
        <span class="legend success">on success</span>
        <span class="legend failure">on failure</span>
      </div>
      {problem === undefined ? null : <ProblemNotice problem={problem} again={again} />}
      {content === undefined ? problem === undefined ? <Skeleton lines={4} height={30} /> : null : <Graph graph={content} />}
    </section>
  );
}

function Graph({ graph }: { graph: DestinationGraph }) {
  const placed = useMemo(() => placeGraph(graph), [graph]);
  if (placed.edges.length === 0) return <p class="nothing">No function tells anybody about its outcomes.</p>;
  return (
    <>
      {graph.loops.map((loop) => (
        <div key={loop.join('\n')} class="notice tone-failed loop" role="alert">
          <Icon name="retrying" />
          <div class="notice-text">
            <strong>Loop</strong> <span class="mono">{loop.join(' → ')}</span>
            <p>It was allowed when it was configured, and is cut when a chain becomes too long.</p>
          </div>
        </div>
      ))}
      <Scrollable class="graph-frame" label="The graph of destinations">
        <svg width={placed.width} height={placed.height} viewBox={`0 0 ${placed.width} ${placed.height}`}>
          <title>{inWords(graph)}</title>
          <defs>
            {['success', 'failure', 'loop'].map((kind) => (
              <marker
                key={kind}
                id={`told-${kind}`}
                class={`graph-arrow ${kind}`}
                viewBox="0 0 8 8"
                refX="7"
                refY="4"
                markerWidth="8"
                markerHeight="8"
                markerUnits="userSpaceOnUse"
                orient="auto"
              >
                <path d="M0.5 0.5L7.5 4L0.5 7.5z" />
              </marker>
            ))}
          </defs>
          {placed.edges.map(({ from, to, when, path, isInLoop }) => (
            <path
              key={`${from}\n${to}\n${when}`}
              class={`graph-edge ${when}${isInLoop ? ' loop' : ''}`}
              d={path}
              marker-end={`url(#told-${isInLoop ? 'loop' : when})`}
            >
              <title>{`${from} tells ${to} about a ${when}`}</title>
            </path>
          ))}
          {placed.nodes.map((node) => (
            <Node key={node.id} node={node} />
          ))}
        </svg>
      </Scrollable>
      <details class="graph-words">
        <summary>In words</summary>
        <ul>
          {graph.edges.map(({ from, to, when }) => (
            <li key={`${from}\n${to}\n${when}`}>
              <FunctionName node={from} /> tells <FunctionName node={to} /> about a {when}
            </li>
          ))}
        </ul>
      </details>
    </>
  );
}

function FunctionName({ node }: { node: string }) {
  return node.includes(' ') ? <code>{node}</code> : <Link to={paths.function(node.split(':')[0] ?? node)}>{node}</Link>;
}

function Node({ node: { id, function: name, kind, x, y, isInLoop } }: { node: PlacedNode }) {
  const label = id.length > 23 ? `${id.slice(0, 22)}…` : id;
  const box = (
    <>
      <title>{id}</title>
      <rect x={x} y={y} width={NODE.width} height={NODE.height} rx={kind === 'function' ? 9 : 20} />
      <text x={x + NODE.width / 2} y={y + NODE.height / 2 + 4.5}>
        {label}
      </text>
    </>
  );
  const className = `graph-node ${kind}${isInLoop ? ' loop' : ''}`;
  if (kind === 'target') return <g class={className}>{box}</g>;
  const to = paths.function(name);
  return (
    <a class={className} href={to} onClick={(event) => follow(event, to)}>
      {box}
    </a>
  );
}

function inWords({ edges, loops }: DestinationGraph): string {
  const told = edges.map(({ from, to, when }) => `${from} tells ${to} about a ${when}`).join('; ');
  return loops.length === 0 ? told : `${told}. Loops: ${loops.map((loop) => loop.join(' → ')).join('; ')}`;
}
