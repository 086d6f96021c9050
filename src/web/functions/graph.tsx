import { useMemo } from 'preact/hooks';
import type { DestinationGraph } from '#src/gateway/api/schemas/functions.ts';
import { get } from '../api/http.ts';
import { Icon } from '../parts/icon.tsx';
import { ProblemNotice, Skeleton } from '../parts/notices.tsx';
import { Scrollable } from '../parts/scrollable.tsx';
import { type Asked, useAsked } from '../shell/asked.ts';
import { follow, Link, paths } from '../shell/router.tsx';
import { createStore, useStore } from '../shell/store.ts';
import { joinedTo, type PlacedNode, placeGraph } from './graph-layout.ts';
import { NODE } from './graph-lines.ts';
import { targetOf } from './target-words.ts';

/** The room for the graph: the window without the borders of page and card. */
const frameWidth = createStore(innerWidth - 82);
addEventListener('resize', () => frameWidth.set(innerWidth - 82));

export function useGraph(): Asked<DestinationGraph> {
  return useAsked('graph', (signal) => get<DestinationGraph>('/api/destinations/graph', signal), { everyMs: 15_000 });
}

type GraphCardProps = {
  asked: Asked<DestinationGraph>;
  /** Only what is joined to this function; all functions without it. */
  around?: string;
};

/** Who tells whom about what became of an invocation. A loop is written out, and drawn so that nobody misses it. */
export function GraphCard({ asked: { content, problem, again }, around }: GraphCardProps) {
  const graph = useMemo(() => (content === undefined || around === undefined ? content : joinedTo(around, content)), [content, around]);
  return (
    <section class="card graph" aria-label="Who is told">
      <div class="card-head">
        <h2>Who is told</h2>
        {around === undefined ? null : (
          <Link to={paths.functions} class="hint">
            of all functions
          </Link>
        )}
        <div class="spring" />
        <span class="legend success">on success</span>
        <span class="legend failure">on failure</span>
        {(graph?.loops.length ?? 0) === 0 ? null : <span class="legend loop">a loop</span>}
      </div>
      {problem === undefined ? null : <ProblemNotice problem={problem} again={again} />}
      {graph === undefined ? problem === undefined ? <Skeleton lines={4} height={30} /> : null : <Graph graph={graph} around={around} />}
    </section>
  );
}

function Graph({ graph, around }: { graph: DestinationGraph; around: string | undefined }) {
  const room = useStore(frameWidth);
  const placed = useMemo(() => placeGraph(graph, room), [graph, room]);
  if (placed.edges.length === 0)
    return (
      <p class="nothing">
        {around === undefined
          ? 'No function tells anybody about its outcomes.'
          : `${around} tells nobody about its outcomes, and nobody tells it.`}
      </p>
    );
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
          <title>Who is told about whose outcomes</title>
          <defs>
            {['success', 'failure', 'loop'].map((kind) => (
              <marker
                key={kind}
                id={`told-${kind}`}
                class={`graph-arrow ${kind}`}
                viewBox="0 0 8 8"
                refX="7"
                refY="4"
                markerWidth={kind === 'loop' ? 12 : 8}
                markerHeight={kind === 'loop' ? 12 : 8}
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
            <Node key={node.id} node={node} isHere={node.kind === 'function' && node.function === around} />
          ))}
        </svg>
      </Scrollable>
      <details class="graph-words">
        <summary>In words</summary>
        <ul>
          {graph.edges.map(({ from, to, when }) => (
            <li key={`${from}\n${to}\n${when}`}>
              <NodeName graph={graph} id={from} /> tells <NodeName graph={graph} id={to} /> about a {when}
            </li>
          ))}
        </ul>
      </details>
    </>
  );
}

function NodeName({ graph, id }: { graph: DestinationGraph; id: string }) {
  const node = graph.nodes.find((one) => one.id === id);
  return node?.kind === 'function' ? <Link to={paths.function(node.function)}>{id}</Link> : <code>{id}</code>;
}

const MOST_CHARACTERS = 24;

function Node({ node, isHere }: { node: PlacedNode; isHere: boolean }) {
  const { id, function: name, kind, x, y, isInLoop } = node;
  const { title, note } = kind === 'target' ? targetOf(name, id.slice(name.length + 1)) : { title: name, note: node.qualifier };
  const box = (
    <>
      <title>{id}</title>
      <rect x={x} y={y} width={NODE.width} height={NODE.height} rx={kind === 'function' ? 9 : 22} />
      {/* Nested, so that a name which is higher or wider than a box is cut off at its border. */}
      <svg x={x} y={y} width={NODE.width} height={NODE.height} aria-hidden="true">
        <text x={NODE.width / 2} y={note === undefined ? 27 : 19}>
          {shorten(title)}
        </text>
        {note === undefined ? null : (
          <text class="note" x={NODE.width / 2} y={34}>
            {shorten(note)}
          </text>
        )}
      </svg>
    </>
  );
  const className = `graph-node ${kind}${isInLoop ? ' loop' : ''}${isHere ? ' here' : ''}`;
  if (kind === 'target') return <g class={className}>{box}</g>;
  const to = paths.function(name);
  return (
    <a class={className} href={to} onClick={(event) => follow(event, to)} aria-label={id}>
      {box}
    </a>
  );
}

function shorten(text: string): string {
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS - 1)}…` : text;
}
