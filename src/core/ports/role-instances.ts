/** One process of Sequent that says that it is there, and which roles it plays. */
export type RoleInstance = {
  /** Unique among all that run. */
  instance: string;
  roles: readonly string[];
  version: string;
  host: string;
  pid: number;
  /** In milliseconds since the epoch. */
  startedAt: number;
  /** What an acknowledgement of the server that it started promises; `unknown` when somebody else started it. */
  durability?: string | undefined;
};

/** Who is there, as far as they say so themselves: nothing is stored, and whoever is gone does not answer. */
export interface RoleInstances {
  /** Answers for this process until the returned function is called. */
  announce(own: RoleInstance): Promise<() => Promise<void>>;
  /** Those that answer within half a second. */
  list(): Promise<RoleInstance[]>;
}
