import { useState } from 'preact/hooks';
import { Icon } from '../../parts/icon.tsx';
import { t, translated } from '../../shell/language.ts';
import { destinationKinds, fieldsOf, type ParamField, parseObject } from './destination-kinds.ts';
import { type FunctionChoice, FunctionTarget } from './function-target.tsx';

/** `when` is the JSON text of the condition, as the user typed it; empty without a condition. */
export type Target = { key: number; destination: string; param: string; when: string };

type FieldsProps = {
  label: string;
  targets: readonly Target[];
  /** The functions that are suggested as destinations. */
  functions: readonly FunctionChoice[];
  messageAt: (index: number) => string | undefined;
  onChange: (targets: Target[]) => void;
};

/** The form of a list of destinations, each with its kind and its `param`. */
export function DestinationFields({ label, targets, functions, messageAt, onChange }: FieldsProps) {
  const add = (): void => {
    const key = 1 + Math.max(0, ...targets.map((target) => target.key));
    onChange([...targets, { key, destination: 'FunctionGraph', param: '{}', when: '' }]);
  };
  return (
    <fieldset class="destinations">
      <legend>{label}</legend>
      {targets.length === 0 ? <p class="hint">{t('none')}</p> : null}
      {targets.map((target, index) => (
        <DestinationRow
          key={target.key}
          name={t('{list}, destination {number}', { list: label, number: index + 1 })}
          target={target}
          functions={functions}
          message={messageAt(index)}
          onChange={(changed) => onChange(targets.map((one) => (one === target ? { ...one, ...changed } : one)))}
          onRemove={() => onChange(targets.filter((one) => one !== target))}
        />
      ))}
      <button type="button" class="button small" aria-label={t('{list}: add a destination', { list: label })} onClick={add}>
        {t('Add')}
      </button>
    </fieldset>
  );
}

type RowProps = {
  name: string;
  target: Target;
  functions: readonly FunctionChoice[];
  message: string | undefined;
  onChange: (changed: Partial<Target>) => void;
  onRemove: () => void;
};

function DestinationRow({ name, target: { destination, param, when }, functions, message, onChange, onRemove }: RowProps) {
  const [prefersJson, setPrefersJson] = useState(false);
  const value = parseObject(param);
  const fields = fieldsOf(destination);
  // Parameters without a field of their own can only be edited as JSON.
  const isJson = prefersJson || fields.length === 0 || value === undefined || !fits(value, fields);
  return (
    <fieldset class={`destination ${message === undefined ? '' : 'refused'}`} aria-label={name}>
      <div class="destination-head">
        <select
          aria-label={t('{name}: kind', { name })}
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
          aria-label={t('{name}: JSON', { name })}
          onClick={() => setPrefersJson(!prefersJson)}
        >
          {t('JSON')}
        </button>
        <button type="button" class="button quiet small" aria-label={t('{name}: remove', { name })} title={t('Remove')} onClick={onRemove}>
          <Icon name="close" size={14} />
        </button>
      </div>
      {isJson ? (
        <textarea
          class="mono"
          rows={Math.min(10, Math.max(3, param.split('\n').length))}
          spellcheck={false}
          aria-label={t('{name}: parameters', { name })}
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
      <label class="field">
        <span>{t('Only when, as JSON')}</span>
        <input
          type="text"
          class="mono"
          value={when}
          placeholder={t('always')}
          spellcheck={false}
          autocomplete="off"
          aria-label={t('{name}: only when', { name })}
          onInput={({ currentTarget }) => onChange({ when: currentTarget.value })}
        />
      </label>
      {message === undefined ? null : (
        <p class="wrong" role="alert">
          {message}
        </p>
      )}
    </fieldset>
  );
}

type ParamFieldsProps = {
  fields: readonly ParamField[];
  value: Record<string, unknown>;
  functions: readonly FunctionChoice[];
  isInvalid: boolean;
  onChange: (param: string) => void;
};

function ParamFields({ fields, value, functions, isInvalid, onChange }: ParamFieldsProps) {
  const write = (key: string, changed: string | number | boolean | undefined): void => {
    const { [key]: _, ...rest } = value;
    onChange(JSON.stringify(changed === undefined ? rest : { ...rest, [key]: changed }, null, 2));
  };
  const texts = fields.filter((field) => !isSwitch(field) && field.key !== 'func_urn');
  return (
    <div class="param-fields">
      {fields.some(({ key }) => key === 'func_urn') ? (
        <FunctionTarget
          urn={String(value.func_urn ?? '')}
          functions={functions}
          isInvalid={isInvalid}
          onChange={(urn) => write('func_urn', urn)}
        />
      ) : null}
      {texts.map((field, index) => (
        <label key={field.key} class={`field ${index === 0 ? 'whole' : ''}`}>
          <span>{translated(field.label)}</span>
          <input
            type="text"
            value={String(value[field.key] ?? '')}
            placeholder={translated(field.hint ?? '')}
            spellcheck={false}
            autocomplete="off"
            aria-invalid={isInvalid && index === 0}
            onInput={({ currentTarget }) => write(field.key, entered(field, currentTarget.value))}
          />
        </label>
      ))}
      {fields.filter(isSwitch).map(({ key, label, isOn }) => (
        <label key={key} class="check whole">
          <input
            type="checkbox"
            checked={Boolean(value[key] ?? isOn)}
            onChange={({ currentTarget: { checked } }) => write(key, checked === isOn ? undefined : checked)}
          />
          <span>{translated(label)}</span>
        </label>
      ))}
    </div>
  );
}

function isSwitch({ isOn }: ParamField): boolean {
  return isOn !== undefined;
}

/** The value of a text field; `undefined` for an empty one. */
function entered({ isNumber = false }: ParamField, text: string): string | number | undefined {
  if (text === '') return undefined;
  return isNumber && /^\d{1,9}$/.test(text) ? Number(text) : text;
}

/** Whether the form has a field for every entry of the value. */
function fits(value: Readonly<Record<string, unknown>>, fields: readonly ParamField[]): boolean {
  return Object.entries(value).every(([key, one]) => {
    const field = fields.find((known) => known.key === key);
    return field !== undefined && (isSwitch(field) ? typeof one === 'boolean' : typeof one === 'string' || typeof one === 'number');
  });
}
