import type { RunningGateway } from '#src/gateway/gateway.ts';
import type { Configuration } from '#src/main/config/configuration.ts';
import type { EmbeddedServer } from '#src/main/nats-server/start.ts';
import type { Durability } from '../../durability.ts';

/** The flags of `sequent serve`, as they are given on the command line. */
export type ServeOptions = {
  role?: string[];
  startServer?: true;
  deployExamples?: true;
  natsPort?: string;
  grace: number;
};

/** Sequent, up and running in this process. */
export type Running = {
  configuration: Configuration;
  url: string;
  serverVersion: string;
  /** The server that this process started or joined; `undefined` when it only connected to one. */
  server: EmbeddedServer | undefined;
  durability: Durability;
  /** Where HTTP is served, when this process does. */
  http: RunningGateway | undefined;
  /** Needed by every call over HTTP, when this process made one. */
  localToken: string | undefined;
  examples: readonly string[];
  /** Since this process began, without the time for installing and building. */
  startedInMs: number;
  /** The roles first, so that what they hold is settled while the server still answers. */
  stop(graceInMs: number): Promise<void>;
};
