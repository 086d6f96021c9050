type MomentFieldProps = { label: string; value: string; onChange: (value: string) => void };

/** A field for a moment, in the time zone of {@link momentText}. */
export function MomentField({ label, value, onChange }: MomentFieldProps) {
  return (
    <label class="field">
      <span>{label}</span>
      <input type="datetime-local" step={1} value={value} onInput={({ currentTarget }) => onChange(currentTarget.value)} />
    </label>
  );
}

/** A moment as a field of the browser shows it: without its zone. Empty for no moment. */
export function momentText(text: string | null, isUtc: boolean): string {
  const at = Date.parse(text ?? '');
  if (Number.isNaN(at)) return '';
  return new Date(isUtc ? at : at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

/** The moment that a field shows; `undefined` for an empty field. */
export function momentIn(field: string, isUtc: boolean): string | undefined {
  const at = new Date(isUtc ? `${field}Z` : field);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}
