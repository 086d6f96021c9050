import { translated } from '../../shell/language.ts';

type SegmentedControlProps<Value extends string> = {
  label: string;
  value: Value;
  choices: readonly Value[];
  onChange: (value: Value) => void;
};

/** A row of buttons of which one is pressed: a choice between few values. */
export function SegmentedControl<Value extends string>({ label, value, choices, onChange }: SegmentedControlProps<Value>) {
  return (
    <fieldset class="segmented-control">
      <legend class="unseen">{label}</legend>
      {choices.map((choice) => (
        <button key={choice} type="button" aria-pressed={choice === value} onClick={() => onChange(choice)}>
          {translated(choice)}
        </button>
      ))}
    </fieldset>
  );
}
