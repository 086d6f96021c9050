/** A machine with the coordinates of its states and transitions. `build/draw-machine.ts` computes them. */
export type MachineDrawing = {
  id: string;
  /** The state before the first event. */
  initial: string;
  states: Readonly<Record<string, StateDetails>>;
  /** Drawn from left to right. */
  horizontal: Drawing;
  /** Drawn from top to bottom, for narrow screens. */
  vertical: Drawing;
};

type StateDetails = {
  description: string;
  isFinal: boolean;
  /** Events of transitions that stay in this state. `delivery.*` matches every event with this prefix. */
  internalEvents: readonly string[];
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
