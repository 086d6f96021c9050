import type { DeliveryRequest, DeliveryResult, DestinationTarget } from '#src/core/ports/destination-target.ts';
import type { ExecutionResult, FunctionHost } from '#src/core/ports/function-host.ts';

/** Counts the user code of a test: the code that runs now, and each start and end. */
export type UserCode = {
  running: number;
  activity: number;
  run<Value>(code: () => Promise<Value>): Promise<Value>;
};

export function createUserCode(): UserCode {
  const counts: UserCode = {
    running: 0,
    activity: 0,
    async run(code) {
      counts.running++;
      counts.activity++;
      try {
        return await code();
      } finally {
        counts.running--;
        counts.activity++;
      }
    },
  };
  return counts;
}

/** Counts the executions of a host as user code. */
export function countExecutions(host: FunctionHost, code: UserCode): FunctionHost {
  return { ...host, execute: (execution, signal) => code.run<ExecutionResult>(() => host.execute(execution, signal)) };
}

export type Deliver = (request: DeliveryRequest) => DeliveryResult | Promise<DeliveryResult>;

/** Creates targets for all destinations outside of Sequent. They record each request, and answer with the result of the test's function. */
export function createRecordingTargets(deliver: Deliver, code: UserCode) {
  const deliveries: DeliveryRequest[] = [];
  const target: DestinationTarget = {
    refuse: () => undefined,
    limitKeyOf: ({ destination, param }) => `${destination}:${param}`,
    deliver: (request) =>
      code.run(async () => {
        deliveries.push(request);
        return await deliver(request);
      }),
  };
  return { deliveries, targets: { OBS: target, SMN: target, DIS: target, NATS: target, HTTP: target } };
}
