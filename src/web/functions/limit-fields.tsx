import type { FunctionView } from '#src/gateway/api/schemas/functions.ts';
import type { ApiError } from '../api/http.ts';
import { FormField, messageAt, numberOrText } from '../parts/form-field.tsx';
import { t } from '../shell/language.ts';
import { type FlowDraft, FlowFields, flowDraftOf, flowOf, noFlow } from './flow-fields.tsx';

/** The limits of a function, as the user typed them. */
export type Limits = { description: string; timeoutInS: string; memoryInMb: string; concurrency: string; flow: FlowDraft };

export const limitPointers = ['/description', '/timeoutInMs', '/memoryInMb', '/concurrency', '/flow'];
export const defaultLimits: Limits = { description: '', timeoutInS: '30', memoryInMb: '256', concurrency: '20', flow: noFlow };

type Definition = FunctionView['definition'];

export function limitsOf(definition: Definition): Limits {
  const { description, timeoutInMs, memoryInMb, concurrency } = definition;
  return {
    description,
    timeoutInS: String(timeoutInMs / 1_000),
    memoryInMb: String(memoryInMb),
    concurrency: String(concurrency),
    flow: flowDraftOf(definition),
  };
}

/** The fields of a definition. The gateway refuses what is no number. */
export function definitionOf({ description, timeoutInS, memoryInMb, concurrency, flow }: Limits): object {
  const timeout = numberOrText(timeoutInS);
  return {
    description,
    timeoutInMs: typeof timeout === 'number' ? Math.round(timeout * 1_000) : timeout,
    memoryInMb: numberOrText(memoryInMb),
    concurrency: numberOrText(concurrency),
    flow: flowOf(flow),
  };
}

type LimitFieldsProps = { limits: Limits; problem: ApiError | undefined; onChange: (limits: Limits) => void };

export function LimitFields({ limits, problem, onChange }: LimitFieldsProps) {
  const set = (changed: Partial<Limits>): void => onChange({ ...limits, ...changed });
  return (
    <>
      <FormField
        label={t('Description')}
        value={limits.description}
        message={messageAt(problem, '/description')}
        onChange={(description) => set({ description })}
      />
      <div class="policy-numbers">
        <FormField
          label={t('Timeout, seconds')}
          hint={t('the maximum time of one attempt')}
          isNumber
          value={limits.timeoutInS}
          message={messageAt(problem, '/timeoutInMs')}
          onChange={(timeoutInS) => set({ timeoutInS })}
        />
        <FormField
          label={t('Memory, MB')}
          hint={t('64 to 10,240, of one process')}
          isNumber
          value={limits.memoryInMb}
          message={messageAt(problem, '/memoryInMb')}
          onChange={(memoryInMb) => set({ memoryInMb })}
        />
        <FormField
          label={t('Concurrency')}
          hint={t('1 to 1,000 executions per worker')}
          isNumber
          value={limits.concurrency}
          message={messageAt(problem, '/concurrency')}
          onChange={(concurrency) => set({ concurrency })}
        />
      </div>
      <FlowFields draft={limits.flow} problem={problem} onChange={(flow) => set({ flow })} />
    </>
  );
}
