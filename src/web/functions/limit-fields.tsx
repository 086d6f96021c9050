import type { FunctionView } from '#src/gateway/api/schemas/functions.ts';
import type { ApiError } from '../api/http.ts';
import { FormField, messageAt, numberOrText } from '../parts/form-field.tsx';
import { type Field, FormFields } from '../parts/form-fields.tsx';
import { t } from '../shell/language.ts';
import { type FlowDraft, FlowFields, flowDraftOf, flowOf, noFlow } from './flow-fields.tsx';

/** The limits of a function, as the user typed them. */
export type Limits = Record<'description' | 'timeoutInS' | 'memoryInMb' | 'concurrency' | 'payloadBytes' | 'outputBytes', string> & {
  flow: FlowDraft;
};

export const limitPointers = [
  '/description',
  '/timeoutInMs',
  '/memoryInMb',
  '/concurrency',
  '/maxPayloadBytes',
  '/maxOutputBytes',
  '/flow',
];
export const defaultLimits: Limits = {
  description: '',
  timeoutInS: '30',
  memoryInMb: '256',
  concurrency: '20',
  payloadBytes: '',
  outputBytes: '',
  flow: noFlow,
};

type Definition = FunctionView['definition'];

export function limitsOf(definition: Definition): Limits {
  const { description, timeoutInMs, memoryInMb, concurrency, maxPayloadBytes, maxOutputBytes } = definition;
  return {
    description,
    timeoutInS: String(timeoutInMs / 1_000),
    memoryInMb: String(memoryInMb),
    concurrency: String(concurrency),
    payloadBytes: String(maxPayloadBytes ?? ''),
    outputBytes: String(maxOutputBytes ?? ''),
    flow: flowDraftOf(definition),
  };
}

/** The fields of a definition. The gateway refuses what is no number. An empty field of an optional limit is its default. */
export function definitionOf({ description, timeoutInS, memoryInMb, concurrency, payloadBytes, outputBytes, flow }: Limits): object {
  const timeout = numberOrText(timeoutInS);
  return {
    description,
    timeoutInMs: typeof timeout === 'number' ? Math.round(timeout * 1_000) : timeout,
    memoryInMb: numberOrText(memoryInMb),
    concurrency: numberOrText(concurrency),
    maxPayloadBytes: payloadBytes === '' ? undefined : numberOrText(payloadBytes),
    maxOutputBytes: outputBytes === '' ? undefined : numberOrText(outputBytes),
    flow: flowOf(flow),
  };
}

const numbers: readonly Field<keyof Omit<Limits, 'description' | 'flow'>>[] = [
  { name: 'timeoutInS', label: 'Timeout, seconds', hint: 'the maximum time of one attempt', at: '/timeoutInMs', isNumber: true },
  { name: 'memoryInMb', label: 'Memory, MB', hint: '64 to 10,240, of one process', at: '/memoryInMb', isNumber: true },
  { name: 'concurrency', label: 'Concurrency', hint: '1 to 1,000 executions per worker', at: '/concurrency', isNumber: true },
  {
    name: 'payloadBytes',
    label: 'Largest payload, bytes',
    hint: '262,144 to 67,108,864; empty for 262,144',
    at: '/maxPayloadBytes',
    isNumber: true,
  },
  {
    name: 'outputBytes',
    label: 'Kept output, bytes',
    hint: '4,096 to 4,194,304 of each attempt; empty for 4,096',
    at: '/maxOutputBytes',
    isNumber: true,
  },
];

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
        <FormFields fields={numbers} values={limits} problem={problem} set={set} />
      </div>
      <FlowFields draft={limits.flow} problem={problem} onChange={(flow) => set({ flow })} />
    </>
  );
}
