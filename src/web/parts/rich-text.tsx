import type { ComponentChildren } from 'preact';
import { Fragment } from 'preact';
import { type Text, translated } from '../shell/language.ts';

/** A text with elements in it: each `{name}` is replaced by the value of this name. */
export function RichText({ text, values }: { text: Text; values: Readonly<Record<string, ComponentChildren>> }) {
  // Every second part is a name.
  const parts = translated(text).split(/\{(\w+)\}/);
  return <>{parts.map((part, index) => (index % 2 === 0 ? part : <Fragment key={part}>{values[part]}</Fragment>))}</>;
}
