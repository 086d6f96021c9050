/** One process of Sequent with its roles. */
export type RoleInstance = {
  /** Unique among all running processes. */
  instance: string;
  roles: readonly string[];
  version: string;
  host: string;
  pid: number;
  /** In milliseconds since the epoch. */
  startedAt: number;
  /** What an acknowledgement of the server promises, if this process started the server; otherwise `unknown`. */
  durability?: string | undefined;
};

/** The running processes. Nothing is stored: each process answers for itself, and a process that ended does not answer. */
export interface RoleInstances {
  /** Answers for this process until the returned function is called. */
  announce(own: RoleInstance): Promise<() => Promise<void>>;
  /** The processes that answer within half a second. */
  list(): Promise<RoleInstance[]>;
}
