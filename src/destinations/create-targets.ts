import type { SubjectRules } from '#src/core/addressable.ts';
import type { DestinationTarget } from '#src/core/destination-target.ts';
import type { Connections } from './targets/connection.ts';
import { createDisTarget, type DisStreams } from './targets/dis.ts';
import { createHttpTarget } from './targets/http.ts';
import { createNatsTarget, type Publisher } from './targets/nats.ts';
import { createObsTarget } from './targets/obs.ts';
import { createSmnTarget } from './targets/smn.ts';
import type { VettedHttp } from './targets/vetted-request.ts';

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
