import { useId } from 'preact/hooks';
import type { ApiError } from '../../api/http.ts';
import { type Text, translated } from '../../shell/language.ts';

/** A value of a field that has no other ones. */
export type Option = { value: string; label?: Text };

type FormFieldProps = {
  label: string;
  value: string;
  hint?: string;
  /** The refusal of this field, shown instead of the hint. */
  message?: string | undefined;
  isNumber?: boolean;
  required?: boolean;
  placeholder?: string;
  rows?: number;
  /** Values that the browser suggests. */
  choices?: readonly string[];
  /** The only values that the field can have. */
  options?: readonly Option[];
  onChange: (value: string) => void;
};

/** A labelled field of a form, with a hint or the reason of its refusal. */
export function FormField({
  label,
  value,
  hint = '',
  message,
  isNumber = false,
  rows,
  choices,
  options,
  onChange,
  ...rest
}: FormFieldProps) {
  const id = useId();
  const attributes = {
    ...rest,
    id,
    value,
    spellcheck: false,
    autocomplete: 'off',
    'aria-invalid': message !== undefined,
    onInput: ({ currentTarget }: { currentTarget: HTMLInputElement | HTMLTextAreaElement }) => onChange(currentTarget.value),
  };
  return (
    <label class="field" for={id}>
      <span>{label}</span>
      {options !== undefined ? (
        <Choice id={id} value={value} options={options} isInvalid={message !== undefined} onChange={onChange} />
      ) : rows === undefined ? (
        <input
          type="text"
          inputMode={isNumber ? 'decimal' : 'text'}
          list={choices === undefined ? undefined : `${id}-choices`}
          {...attributes}
        />
      ) : (
        <textarea class="mono" rows={rows} {...attributes} />
      )}
      {choices === undefined ? null : (
        <datalist id={`${id}-choices`}>
          {choices.map((choice) => (
            <option key={choice} value={choice} />
          ))}
        </datalist>
      )}
      <small class={message === undefined ? '' : 'wrong'}>{message ?? hint}</small>
    </label>
  );
}

type ChoiceProps = Pick<FormFieldProps, 'value' | 'onChange'> & { id: string; options: readonly Option[]; isInvalid: boolean };

/** A present value that is none of the options is one more. */
function Choice({ id, value, options, isInvalid, onChange }: ChoiceProps) {
  return (
    <select id={id} value={value} aria-invalid={isInvalid} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
      {options.map((one) => (
        <option key={one.value} value={one.value}>
          {translated(one.label ?? one.value)}
        </option>
      ))}
      {options.some((one) => one.value === value) ? null : <option value={value}>{value}</option>}
    </select>
  );
}

/** A number, or the typed text when it is none: the gateway refuses the text, and its message is shown. */
export function numberOrText(text: string): number | string {
  const value = Number(text.trim());
  return text.trim() === '' || Number.isNaN(value) ? text : value;
}

/** The message of the first error at a field, or below it. */
export function messageAt(problem: ApiError | undefined, pointer: string): string | undefined {
  return problem?.errors.find((error) => isAt(error.pointer ?? '', pointer))?.detail;
}

/** The problem, unless each of its errors is shown at a field. */
export function problemBeside(problem: ApiError | undefined, fields: readonly string[]): ApiError | undefined {
  if (problem === undefined) return undefined;
  const isShown = problem.errors.length > 0 && problem.errors.every(({ pointer = '' }) => fields.some((one) => isAt(pointer, one)));
  return isShown ? undefined : problem;
}

function isAt(pointer: string, field: string): boolean {
  return pointer === field || pointer.startsWith(`${field}/`);
}
