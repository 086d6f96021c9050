/** A machine as the page draws it: its states and transitions with coordinates, made by `build/draw-machine.ts`. */
export type MachineDrawing = {
  id: string;
  /** The state before the first event. */
  initial: string;
  states: Readonly<Record<string, StateFacts>>;
  /** From left to right, and from top to bottom. */
  lying: Drawing;
  standing: Drawing;
};

type StateFacts = {
  description: string;
  isFinal: boolean;
  /** Events that change something and leave the state as it is; `delivery.*` is any event that begins so. */
  inner: readonly string[];
  transitions: readonly { event: string; to: string }[];
};

export type Drawing = { width: number; height: number; states: readonly DrawnState[]; edges: readonly DrawnEdge[] };
type Box = { x: number; y: number; width: number; height: number };
export type DrawnState = { name: string } & Box;
export type DrawnEdge = {
  from: string;
  to: string;
  event: string;
  label?: { text: string } & Box;
  points: readonly (readonly [number, number])[];
};
