import ElkBundle from 'elkjs/lib/elk.bundled.js';
import type { ELK as Elk, ElkExtendedEdge, ElkLabel, ElkNode } from 'elkjs/lib/elk-api.js';
import type { AnyStateMachine } from 'xstate';
import type { Drawing, DrawnEdge, DrawnState, MachineDrawing } from '../machine/drawing.ts';

// elkjs is CommonJS with a default export of its own.
const elk: Elk = new (ElkBundle as unknown as new () => Elk)();

const STATE_HEIGHT = 46;
const CHARACTER_WIDTH = 7.6;
const LABEL_HEIGHT = 16;

/**
 * Lays a machine out, once lying and once standing: what `createMachine` was given is all that is drawn. Machines do not
 * change while a page is open, so the page gets coordinates and not a layout engine of 1.6 MB.
 */
export async function drawMachine(machine: AnyStateMachine): Promise<MachineDrawing> {
  const initial = String(machine.config.initial);
  const states = Object.entries(machine.states).map(([name, node]) => ({
    name,
    description: node.description ?? '',
    isFinal: node.type === 'final',
    // Transitions without a target stay inside their state.
    inner: [...node.transitions.values()].flat().flatMap(({ eventType, target }) => (target === undefined ? [eventType] : [])),
    transitions: [...node.transitions.values()]
      .flat()
      .flatMap(({ eventType, target }) => (target ?? []).map(({ key }) => ({ event: eventType, to: key }))),
  }));
  const graph = (direction: 'RIGHT' | 'DOWN'): ElkNode => ({
    id: machine.id,
    layoutOptions: {
      'elk.algorithm': 'layered',
      'elk.direction': direction,
      'elk.edgeRouting': 'ORTHOGONAL',
      'elk.spacing.nodeNode': '34',
      'elk.spacing.edgeNode': '22',
      'elk.spacing.edgeEdge': '18',
      'elk.layered.spacing.nodeNodeBetweenLayers': direction === 'RIGHT' ? '76' : '30',
      // Room for how often a transition was taken.
      'elk.layered.spacing.edgeNodeBetweenLayers': direction === 'RIGHT' ? '36' : '20',
      'elk.layered.nodePlacement.strategy': 'BRANDES_KOEPF',
      'elk.layered.nodePlacement.bk.fixedAlignment': 'BALANCED',
      'elk.edgeLabels.inline': 'true',
      'elk.layered.considerModelOrder.strategy': 'PREFER_EDGES',
      'elk.padding': '[top=8,left=8,bottom=8,right=8]',
    },
    children: states.map(({ name, inner }) => ({
      id: name,
      ...(name === initial && inner.length === 0 ? { width: 14, height: 14 } : sizeOf(name, inner)),
    })),
    edges: states.flatMap(({ name, transitions }) =>
      transitions.map(({ event, to }) => ({
        id: `${name}/${event}/${to}`,
        sources: [name],
        targets: [to],
        labels: labelsOf(event, to),
        // What a state lists first is its usual way on.
        layoutOptions: { 'elk.layered.priority.straightness': event === transitions[0]?.event ? '10' : '1' },
      })),
    ),
  });
  const drawing = async (direction: 'RIGHT' | 'DOWN'): Promise<Drawing> => {
    const { width = 0, height = 0, children = [], edges = [] } = await elk.layout(graph(direction));
    return {
      width: Math.ceil(width),
      height: Math.ceil(height),
      states: children.map((child): DrawnState => ({ name: child.id, ...boxOf(child) })),
      edges: edges.map((edge) => edgeOf(edge)),
    };
  };
  return {
    id: machine.id,
    initial,
    states: Object.fromEntries(states.map(({ name, ...rest }) => [name, rest])),
    lying: await drawing('RIGHT'),
    standing: await drawing('DOWN'),
  };
}

function sizeOf(name: string, inner: readonly string[]): { width: number; height: number } {
  const longest = Math.max(name.length + 1, ...inner.map((event) => event.length * 0.85 + 2));
  return { width: Math.round(longest * CHARACTER_WIDTH + 46), height: STATE_HEIGHT + (inner.length === 0 ? 0 : 4 + inner.length * 13) };
}

/** Facts are named after the state that they enter: a label that repeats the name of the state tells nothing. */
function labelsOf(event: string, to: string): ElkLabel[] {
  const text = event.slice(event.lastIndexOf('.') + 1);
  return text === to ? [] : [{ text, width: text.length * 6.4 + 10, height: LABEL_HEIGHT }];
}

function boxOf({ x = 0, y = 0, width = 0, height = 0 }: Partial<Record<'x' | 'y' | 'width' | 'height', number>>) {
  return { x: round(x), y: round(y), width: round(width), height: round(height) };
}

function edgeOf({ id, sources, targets, sections = [], labels = [] }: ElkExtendedEdge): DrawnEdge {
  const [label] = labels;
  return {
    from: sources[0] ?? '',
    to: targets[0] ?? '',
    event: id.split('/')[1] ?? '',
    ...(label === undefined ? {} : { label: { text: label.text ?? '', ...boxOf(label) } }),
    points: sections.flatMap(({ startPoint, bendPoints = [], endPoint }) =>
      [startPoint, ...bendPoints, endPoint].map(({ x, y }): [number, number] => [round(x), round(y)]),
    ),
  };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
