import type { ApiError } from '../../api/http.ts';
import { type Text, translated } from '../../shell/language.ts';
import { mistakeIn, type Unit } from '../bulk/quantities.ts';
import { FormField, messageAt, type Option } from './form-field.tsx';

/** A field of a form, as data. */
export type Field<Name extends string> = {
  name: Name;
  label: Text;
  hint: Text;
  /** Where an error of the gateway points to. The first pointer with an error gives the message. */
  at: string | readonly string[];
  isNumber?: boolean;
  /** The only values that the field can have. */
  options?: readonly Option[];
  /** What a value must be, as a person writes it: `30s`, or `64MB`. */
  unit?: Unit;
};

type Props<Name extends string> = {
  fields: readonly Field<Name>[];
  values: Readonly<Record<Name, string>>;
  problem: ApiError | undefined;
  set: (changed: Partial<Record<Name, string>>) => void;
};

/** Fields one after another. */
export function FormFields<Name extends string>({ fields, values, problem, set }: Props<Name>) {
  return fields.map(({ name, label, hint, at, unit, ...rest }) => (
    <FormField
      key={name}
      {...rest}
      label={translated(label)}
      hint={translated(hint)}
      value={values[name]}
      message={
        mistakeIn(values[name], unit) ??
        [at]
          .flat()
          .map((pointer) => messageAt(problem, pointer))
          .find((message) => message !== undefined)
      }
      onChange={(value) => set({ [name]: value } as Partial<Record<Name, string>>)}
    />
  ));
}
