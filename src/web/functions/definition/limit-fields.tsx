import { durationText } from '#src/core/text/parse-duration.ts';
import { sizeText } from '#src/core/text/size-text.ts';
import type { FunctionView } from '#src/gateway/api/functions/function-schemas.ts';
import type { ApiError } from '../../api/http.ts';
import { quantityOrText } from '../../parts/bulk/quantities.ts';
import { Fold } from '../../parts/fold.tsx';
import { FormField, messageAt, numberOrText } from '../../parts/forms/form-field.tsx';
import { type Field, FormFields } from '../../parts/forms/form-fields.tsx';
import { t } from '../../shell/language.ts';
import { type FlowDraft, FlowFields, flowDraftOf, flowOf, noFlow } from './flow-fields.tsx';

/** The limits of a function, as the user typed them. */
export type Limits = Record<'description' | 'timeout' | 'memory' | 'concurrency' | 'payload' | 'output', string> & {
  flow: FlowDraft;
};

const MB = 1_048_576;

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
  timeout: '30s',
  memory: '256MB',
  concurrency: '20',
  payload: '',
  output: '',
  flow: noFlow,
};

type Definition = FunctionView['definition'];

export function limitsOf(definition: Definition): Limits {
  const { description, timeoutInMs, memoryInMb, concurrency, maxPayloadBytes, maxOutputBytes } = definition;
  return {
    description,
    timeout: durationText(timeoutInMs),
    memory: sizeText(memoryInMb * MB),
    concurrency: String(concurrency),
    payload: maxPayloadBytes === undefined ? '' : sizeText(maxPayloadBytes),
    output: maxOutputBytes === undefined ? '' : sizeText(maxOutputBytes),
    flow: flowDraftOf(definition),
  };
}

/** The fields of a definition. The gateway refuses what is no quantity. An empty field of an optional limit is its default. */
export function definitionOf({ description, timeout, memory, concurrency, payload, output, flow }: Limits): object {
  const bytes = quantityOrText(memory, 'size');
  return {
    description,
    timeoutInMs: quantityOrText(timeout, 'duration'),
    memoryInMb: typeof bytes === 'number' ? bytes / MB : bytes,
    concurrency: numberOrText(concurrency),
    maxPayloadBytes: payload === '' ? undefined : quantityOrText(payload, 'size'),
    maxOutputBytes: output === '' ? undefined : quantityOrText(output, 'size'),
    flow: flowOf(flow),
  };
}

const numbers: readonly Field<keyof Omit<Limits, 'description' | 'flow'>>[] = [
  { name: 'timeout', label: 'Timeout', hint: 'the maximum time of one attempt, such as 30s or 5m', at: '/timeoutInMs', unit: 'duration' },
  { name: 'memory', label: 'Memory', hint: '64MB to 10GB, of one process', at: '/memoryInMb', unit: 'size' },
  { name: 'concurrency', label: 'Concurrency', hint: '1 to 1,000 executions per worker', at: '/concurrency', isNumber: true },
  {
    name: 'payload',
    label: 'Largest payload',
    hint: '256KB to 64MB; empty for 256KB',
    at: '/maxPayloadBytes',
    unit: 'size',
  },
  {
    name: 'output',
    label: 'Kept output',
    hint: '4KB to 4MB of each attempt; empty for 4KB',
    at: '/maxOutputBytes',
    unit: 'size',
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
      <Fold
        title={t('Flow over all workers')}
        hint={t('concurrency, rate, keys, order, debounce')}
        isNeeded={flowOf(limits.flow) !== undefined || messageAt(problem, '/flow') !== undefined}
      >
        <FlowFields draft={limits.flow} problem={problem} onChange={(flow) => set({ flow })} />
      </Fold>
    </>
  );
}
