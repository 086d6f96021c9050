import type { SubjectRules } from '#src/core/names/addressable.ts';
import type { DestinationTarget } from '#src/core/ports/destination-target.ts';
import type { VettedHttp } from '#src/destinations/http/vetted-request.ts';
import type { Connections } from './connection.ts';
import { createDisTarget, type DisStreams } from './dis.ts';
import { createHttpTarget } from './http.ts';
import { createNatsTarget, type Publisher } from './nats.ts';
import { createObsTarget } from './obs.ts';
import { createSmnTarget } from './smn.ts';

export type TargetPorts = {
  connections: Connections;
  http: VettedHttp;
  streams: DisStreams;
  publisher: Publisher;
  /** What a function may address on NATS. */
  subjects: SubjectRules;
};

/** The targets outside of Sequent. `FunctionGraph`, which invokes another function, is not one of them. */
export type OutsideTargets = Record<'OBS' | 'SMN' | 'DIS' | 'NATS' | 'HTTP', DestinationTarget>;

export function createTargets(ports: TargetPorts): OutsideTargets {
  return {
    OBS: createObsTarget(ports),
    SMN: createSmnTarget(ports),
    DIS: createDisTarget(ports),
    NATS: createNatsTarget(ports),
    HTTP: createHttpTarget(ports),
  };
}
