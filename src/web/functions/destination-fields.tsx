import { useState } from 'preact/hooks';
import { Icon } from '../parts/icon.tsx';
import { destinationKinds, fieldsOf, type ParamField, parseObject } from './destination-kinds.ts';

export type Target = { key: number; destination: string; param: string };

type FieldsProps = {
  label: string;
  targets: readonly Target[];
  /** The names of functions, suggested as destinations. */
  functions: readonly string[];
  messageAt: (index: number) => string | undefined;
  onChange: (targets: Target[]) => void;
};

/** The form of a list of destinations, each with its kind and its `param`. */
export function DestinationFields({ label, targets, functions, messageAt, onChange }: FieldsProps) {
  const add = (): void => {
    const key = 1 + Math.max(0, ...targets.map((target) => target.key));
    onChange([...targets, { key, destination: 'FunctionGraph', param: '{}' }]);
  };
  return (
    <fieldset class="destinations">
      <legend>{label}</legend>
      {targets.length === 0 ? <p class="hint">none</p> : null}
      {targets.map((target, index) => (
        <DestinationRow
          key={target.key}
          name={`${label}, destination ${index + 1}`}
          target={target}
          functions={functions}
          message={messageAt(index)}
          onChange={(changed) => onChange(targets.map((one) => (one === target ? { ...one, ...changed } : one)))}
          onRemove={() => onChange(targets.filter((one) => one !== target))}
        />
      ))}
      <button type="button" class="button small" aria-label={`${label}: add a destination`} onClick={add}>
        Add
      </button>
    </fieldset>
  );
}

type RowProps = {
  name: string;
  target: Target;
  functions: readonly string[];
  message: string | undefined;
  onChange: (changed: Partial<Target>) => void;
  onRemove: () => void;
};

function DestinationRow({ name, target: { destination, param }, functions, message, onChange, onRemove }: RowProps) {
  const [prefersJson, setPrefersJson] = useState(false);
  const value = parseObject(param);
  const fields = fieldsOf(destination);
  // Parameters without a field of their own can only be edited as JSON.
  const isJson = prefersJson || fields.length === 0 || value === undefined || !fits(value, fields);
  return (
    <div class={`destination ${message === undefined ? '' : 'refused'}`}>
      <div class="destination-head">
        <select
          aria-label={`${name}: kind`}
          value={destination}
          onChange={({ currentTarget }) => onChange({ destination: currentTarget.value, param: '{}' })}
        >
          {Object.keys(destinationKinds).map((kind) => (
            <option key={kind} value={kind}>
              {kind}
            </option>
          ))}
        </select>
        <div class="spring" />
        <button
          type="button"
          class="button quiet small"
          aria-pressed={isJson}
          aria-label={`${name}: JSON`}
          onClick={() => setPrefersJson(!prefersJson)}
        >
          JSON
        </button>
        <button type="button" class="button quiet small" aria-label={`${name}: remove`} title="Remove" onClick={onRemove}>
          <Icon name="close" size={14} />
        </button>
      </div>
      {isJson ? (
        <textarea
          class="mono"
          rows={Math.min(10, Math.max(3, param.split('\n').length))}
          spellcheck={false}
          aria-label={`${name}: parameters`}
          aria-invalid={message !== undefined}
          value={param}
          onInput={({ currentTarget }) => onChange({ param: currentTarget.value })}
        />
      ) : (
        <ParamFields
          {...{ fields, value, functions, isInvalid: message !== undefined }}
          onChange={(changed) => onChange({ param: changed })}
        />
      )}
      {message === undefined ? null : (
        <p class="wrong" role="alert">
          {message}
        </p>
      )}
    </div>
  );
}

type ParamFieldsProps = {
  fields: readonly ParamField[];
  value: Record<string, unknown>;
  functions: readonly string[];
  isInvalid: boolean;
  onChange: (param: string) => void;
};

function ParamFields({ fields, value, functions, isInvalid, onChange }: ParamFieldsProps) {
  const write = ({ key, isNumber = false }: ParamField, text: string): void => {
    const { [key]: _, ...rest } = value;
    const isCount = isNumber && /^\d{1,9}$/.test(text);
    onChange(JSON.stringify(text === '' ? rest : { ...rest, [key]: isCount ? Number(text) : text }, null, 2));
  };
  return (
    <div class="param-fields">
      {fields.map((field, index) => (
        <label key={field.key} class={`field ${index === 0 ? 'whole' : ''}`}>
          <span>{field.label}</span>
          <input
            type="text"
            value={String(value[field.key] ?? '')}
            placeholder={field.hint ?? ''}
            spellcheck={false}
            autocomplete="off"
            aria-invalid={isInvalid && index === 0}
            {...(field.key === 'func_urn' ? { list: 'destination-functions' } : {})}
            onInput={({ currentTarget }) => write(field, currentTarget.value)}
          />
        </label>
      ))}
      {fields.some(({ key }) => key === 'func_urn') ? (
        <datalist id="destination-functions">
          {functions.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      ) : null}
    </div>
  );
}

/** Whether the form has a field for every entry of the value. */
function fits(value: Readonly<Record<string, unknown>>, fields: readonly ParamField[]): boolean {
  return Object.entries(value).every(
    ([key, one]) => (typeof one === 'string' || typeof one === 'number') && fields.some((field) => field.key === key),
  );
}
