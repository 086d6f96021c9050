import type { SubjectRules } from '#src/core/names/addressable.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { DestinationTarget } from '#src/core/ports/destination-target.ts';
import type { VettedHttp } from '#src/destinations/http/vetted-request.ts';
import type { Connections } from './connection.ts';
import { createHttpTarget } from './http.ts';
import { createDisTarget, type DisStreams } from './huawei/dis.ts';
import { createObsTarget } from './huawei/obs.ts';
import { createSmnTarget } from './huawei/smn.ts';
import { createNatsTarget, type Publisher } from './nats.ts';

export type TargetPorts = {
  connections: Connections;
  http: VettedHttp;
  /** Dates the signatures. */
  clock: Pick<Clock, 'now'>;
  streams: DisStreams;
  publisher: Publisher;
  /** The subjects that a function may address. */
  subjects: SubjectRules;
};

/** The targets outside of Sequent: all except `FunctionGraph`, which invokes another function. */
export type ExternalTargets = Record<'OBS' | 'SMN' | 'DIS' | 'NATS' | 'HTTP', DestinationTarget>;

export function createTargets(ports: TargetPorts): ExternalTargets {
  return {
    OBS: createObsTarget(ports),
    SMN: createSmnTarget(ports),
    DIS: createDisTarget(ports),
    NATS: createNatsTarget(ports),
    HTTP: createHttpTarget(ports),
  };
}
