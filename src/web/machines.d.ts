/** The module that `build/build.ts` generates from `machines/`. */
declare module 'virtual:machines' {
  type MachineDrawing = import('./machine/drawing.ts').MachineDrawing;
  export const invocation: MachineDrawing;
  export const delivery: MachineDrawing;
}
