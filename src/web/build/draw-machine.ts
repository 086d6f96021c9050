import ElkBundle from 'elkjs/lib/elk.bundled.js';
import type { ELK as Elk, ElkExtendedEdge, ElkLabel, ElkNode } from 'elkjs/lib/elk-api.js';
import type { AnyStateMachine } from 'xstate';
import type { Drawing, DrawnEdge, DrawnState, MachineDrawing } from '../machine/drawing.ts';

// elkjs is CommonJS: TypeScript takes its default export for the module.
const elk: Elk = new (ElkBundle as unknown as new () => Elk)();

const STATE_HEIGHT = 46;
const CHARACTER_WIDTH = 7.6;
const LABEL_HEIGHT = 16;

/**
 * Lays a machine out, once horizontally and once vertically. The drawing is derived from the machine alone.
 *
 * This runs at build time: the page loads coordinates instead of a layout engine of 1.6 MB.
 */
export async function drawMachine(machine: AnyStateMachine): Promise<MachineDrawing> {
  const initial = String(machine.config.initial);
  const states = Object.entries(machine.states).map(([name, node]) => stateOf(name, node));
  const graph = (direction: Direction): ElkNode => ({
    id: machine.id,
    layoutOptions: layoutOptions(direction),
    children: states.map((state) => nodeOf(state, initial)),
    edges: states.flatMap(edgesFrom),
  });
  const draw = async (direction: Direction): Promise<Drawing> => {
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
    states: Object.fromEntries(states.map(({ name, ...details }) => [name, details])),
    horizontal: await draw('RIGHT'),
    vertical: await draw('DOWN'),
  };
}

type Direction = 'RIGHT' | 'DOWN';
type State = MachineDrawing['states'][string] & { name: string };

function stateOf(name: string, node: AnyStateMachine['states'][string]): State {
  const transitions = [...node.transitions.values()].flat();
  return {
    name,
    description: node.description ?? '',
    isFinal: node.type === 'final',
    internalEvents: transitions.flatMap(({ eventType, target }) => (target === undefined ? [eventType] : [])),
    transitions: transitions.flatMap(({ eventType, target = [] }) => target.map(({ key }) => ({ event: eventType, to: key }))),
  };
}

function layoutOptions(direction: Direction): Record<string, string> {
  const isHorizontal = direction === 'RIGHT';
  return {
    'elk.algorithm': 'layered',
    'elk.direction': direction,
    'elk.edgeRouting': 'ORTHOGONAL',
    'elk.spacing.nodeNode': '34',
    'elk.spacing.edgeNode': '22',
    'elk.spacing.edgeEdge': '18',
    'elk.layered.spacing.nodeNodeBetweenLayers': isHorizontal ? '76' : '30',
    // Space for the number of times that a transition was taken.
    'elk.layered.spacing.edgeNodeBetweenLayers': isHorizontal ? '36' : '20',
    'elk.layered.nodePlacement.strategy': 'BRANDES_KOEPF',
    'elk.layered.nodePlacement.bk.fixedAlignment': 'BALANCED',
    'elk.edgeLabels.inline': 'true',
    'elk.layered.considerModelOrder.strategy': 'PREFER_EDGES',
    'elk.padding': '[top=8,left=8,bottom=8,right=8]',
  };
}

function nodeOf({ name, internalEvents }: State, initial: string): ElkNode {
  const isDot = name === initial && internalEvents.length === 0;
  return { id: name, ...(isDot ? { width: 14, height: 14 } : sizeOf(name, internalEvents)) };
}

function edgesFrom({ name, transitions }: State): ElkExtendedEdge[] {
  return transitions.map(({ event, to }) => ({
    id: `${name}/${event}/${to}`,
    sources: [name],
    targets: [to],
    labels: labelsOf(event, to),
    // The first transition of a state is its usual one, and is drawn straight.
    layoutOptions: { 'elk.layered.priority.straightness': event === transitions[0]?.event ? '10' : '1' },
  }));
}

function sizeOf(name: string, internalEvents: readonly string[]): { width: number; height: number } {
  const longest = Math.max(name.length + 1, ...internalEvents.map((event) => event.length * 0.85 + 2));
  return {
    width: Math.round(longest * CHARACTER_WIDTH + 46),
    height: STATE_HEIGHT + (internalEvents.length === 0 ? 0 : 4 + internalEvents.length * 13),
  };
}

/** A fact has the name of the state that it enters. An edge therefore needs a label only when the two names differ. */
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
