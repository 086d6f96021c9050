import type { RunningGateway } from '#src/gateway/gateway.ts';
import type { Configuration } from '#src/main/config/configuration.ts';
import type { EmbeddedServer } from '#src/main/nats-server/start.ts';
import type { RunningRoles } from '#src/main/roles/roles.ts';
import type { Durability } from '../../durability.ts';

/** The flags of `sequent serve`. */
export type ServeOptions = {
  role?: string[];
  startServer?: true;
  deployExamples?: true;
  natsPort?: string;
  grace: number;
  /** The port of the debugger of a function, for `sequent dev --inspect`. */
  inspectorPort?: ((functionName: string) => number | undefined) | undefined;
};

/** Sequent, running in this process. */
export type Running = {
  configuration: Configuration;
  url: string;
  serverVersion: string;
  /** The server that this process started or adopted; `undefined` for an external NATS. */
  server: EmbeddedServer | undefined;
  durability: Durability;
  /** `undefined` when this process does not serve HTTP. */
  http: RunningGateway | undefined;
  /** The token of `--local-token auto`, which every call over HTTP needs. */
  localToken: string | undefined;
  examples: readonly string[];
  roles: Pick<RunningRoles, 'registry' | 'functions' | 'ports'>;
  /** Since the start of this process, without installation and builds. */
  startedInMs: number;
  /** Reads the files of credentials, certificates, keys and connections again. */
  reload(): Promise<void>;
  /** Stops the roles before the server, so that they can settle their work. */
  stop(graceInMs: number): Promise<void>;
};
