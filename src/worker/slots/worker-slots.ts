export type WorkerSlotsOptions = {
  /** How many slots the functions hold together, at most. */
  size: number;
  /** `undefined` names the own project. */
  weightOf: (project: string | undefined) => number;
};

/** `used`: the slots that the project got, each divided by the weight of that moment. `waiting`: its waiting functions, in their order. */
type Project = { name: string | undefined; used: number; waiting: SlotShare[] };

/**
 * The slots of a worker that its functions share.
 *
 * 1. The functions of a worker together hold at most `size` slots (FAIR1).
 * 2. While functions of several projects wait, each free slot goes to the project that got the least in relation to its weight; within a
 *    project its functions take turns (FAIR2).
 * 3. A slot is free as long as no function waits for it: an idle project keeps nothing back, and saves nothing for later.
 */
export class WorkerSlots {
  readonly #size: number;
  readonly #weightOf: WorkerSlotsOptions['weightOf'];
  readonly #projects = new Map<string | undefined, Project>();
  #held = 0;
  /** How many functions wait. */
  #waiting = 0;
  /** What the project had used that got the last slot while others waited. A project that begins to wait starts there. */
  #level = 0;

  constructor({ size, weightOf }: WorkerSlotsOptions) {
    this.#size = size;
    this.#weightOf = weightOf;
  }

  get held(): number {
    return this.#held;
  }

  get free(): number {
    return Math.max(0, this.#size - this.#held);
  }

  /** Joins a function. `onTurn` is called when the function waits and a slot is kept for it, which `take` then returns. */
  join(name: string | undefined, onTurn: () => void): SlotShare {
    let project = this.#projects.get(name);
    if (project === undefined) {
      project = { name, used: this.#level, waiting: [] };
      this.#projects.set(name, project);
    }
    return new SlotShare(this, project, onTurn);
  }

  /** Takes a slot if one is free and no function waits for it. */
  tryTake(project: Project): boolean {
    if (this.free === 0 || this.#waiting > 0) return false;
    this.#grant(project);
    return true;
  }

  wait(share: SlotShare): void {
    const { project } = share;
    if (project.waiting.length === 0) project.used = Math.max(project.used, this.#level);
    project.waiting.push(share);
    this.#waiting++;
  }

  waitNoMore(share: SlotShare): void {
    const { project } = share;
    project.waiting.splice(project.waiting.indexOf(share), 1);
    this.#waiting--;
  }

  /** Gives a slot back, and the free slots to the functions that wait. */
  release(): void {
    this.#held--;
    while (this.free > 0 && this.#waiting > 0) this.#giveTurn(this.#next());
  }

  #next(): Project {
    const waiting = [...this.#projects.values()].filter((project) => project.waiting.length > 0);
    return waiting.reduce((least, one) => (one.used < least.used ? one : least));
  }

  #giveTurn(project: Project): void {
    const share = project.waiting.shift();
    if (share === undefined) return;
    this.#waiting--;
    const { used } = project;
    this.#grant(project);
    if (share.useTurn()) {
      this.#level = Math.max(this.#level, used);
      return;
    }
    // The function needs the slot no more: it was closed, or got fewer slots of its own.
    project.used = used;
    this.#held--;
  }

  #grant(project: Project): void {
    this.#held++;
    project.used = Math.max(project.used, this.#level) + 1 / this.#weightOf(project.name);
  }
}

/** The part of one function in the slots of a worker. */
export class SlotShare {
  readonly project: Project;
  readonly #slots: WorkerSlots;
  readonly #onTurn: () => void;
  #isWaiting = false;
  /** Whether a slot is kept for the function while its turn lasts. */
  #isKept = false;

  constructor(slots: WorkerSlots, project: Project, onTurn: () => void) {
    this.#slots = slots;
    this.project = project;
    this.#onTurn = onTurn;
  }

  /** How many slots the function may expect. It is always one at least, so that the function learns of its work. */
  get free(): number {
    return Math.max(1, this.#slots.free);
  }

  tryTake(): boolean {
    if (!this.#isKept) return this.#slots.tryTake(this.project);
    this.#isKept = false;
    return true;
  }

  /** As `tryTake`; without a slot, the function waits for its turn. */
  take(): boolean {
    if (this.tryTake()) return true;
    if (!this.#isWaiting) this.#slots.wait(this);
    this.#isWaiting = true;
    return false;
  }

  release(): void {
    this.#slots.release();
  }

  /** The function waits no more. */
  leave(): void {
    if (this.#isWaiting) this.#slots.waitNoMore(this);
    this.#isWaiting = false;
  }

  /** Offers a slot to the function; false when the function did not take it. */
  useTurn(): boolean {
    this.#isWaiting = false;
    this.#isKept = true;
    this.#onTurn();
    const isTaken = !this.#isKept;
    this.#isKept = false;
    return isTaken;
  }
}
