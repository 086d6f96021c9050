import { useState } from 'preact/hooks';
import { Icon } from '../parts/icon.tsx';
import { fieldsOf, kinds, objectIn, type ParamField } from './target-words.ts';

export type Target = { key: number; destination: string; param: string };

type FieldsProps = {
  label: string;
  targets: readonly Target[];
  /** The names of functions, to choose from. */
  functions: readonly string[];
  messageAt: (place: number) => string | undefined;
  onChange: (targets: Target[]) => void;
};

/** A list of destinations: of each its kind, and what its `param` says. */
export function DestinationFields({ label, targets, functions, messageAt, onChange }: FieldsProps) {
  const add = (): void => {
    const key = 1 + Math.max(0, ...targets.map((target) => target.key));
    onChange([...targets, { key, destination: 'FunctionGraph', param: '{}' }]);
  };
  return (
    <fieldset class="destinations">
      <legend>{label}</legend>
      {targets.length === 0 ? <p class="hint">nobody</p> : null}
      {targets.map((target, place) => (
        <DestinationRow
          key={target.key}
          name={`${label}, destination ${place + 1}`}
          target={target}
          functions={functions}
          message={messageAt(place)}
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
  const [wantsJson, setWantsJson] = useState(false);
  const value = objectIn(param);
  const fields = fieldsOf(destination);
  // What has no field of its own can only be written as JSON.
  const isJson = wantsJson || fields.length === 0 || value === undefined || !fits(value, fields);
  return (
    <div class={`destination ${message === undefined ? '' : 'refused'}`}>
      <div class="destination-head">
        <select
          aria-label={`${name}: kind`}
          value={destination}
          onChange={({ currentTarget }) => onChange({ destination: currentTarget.value, param: '{}' })}
        >
          {Object.keys(kinds).map((kind) => (
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
          onClick={() => setWantsJson(!wantsJson)}
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
      {fields.map((field, place) => (
        <label key={field.key} class={`field ${place === 0 ? 'whole' : ''}`}>
          <span>{field.label}</span>
          <input
            type="text"
            value={String(value[field.key] ?? '')}
            placeholder={field.hint ?? ''}
            spellcheck={false}
            autocomplete="off"
            aria-invalid={isInvalid && place === 0}
            {...(field.key === 'func_urn' ? { list: 'functions-to-tell' } : {})}
            onInput={({ currentTarget }) => write(field, currentTarget.value)}
          />
        </label>
      ))}
      {fields.some(({ key }) => key === 'func_urn') ? (
        <datalist id="functions-to-tell">
          {functions.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      ) : null}
    </div>
  );
}

function fits(value: Readonly<Record<string, unknown>>, fields: readonly ParamField[]): boolean {
  return Object.entries(value).every(
    ([key, one]) => (typeof one === 'string' || typeof one === 'number') && fields.some((field) => field.key === key),
  );
}
