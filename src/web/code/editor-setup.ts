import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { javascript } from '@codemirror/lang-javascript';
import { python } from '@codemirror/lang-python';
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { unifiedMergeView } from '@codemirror/merge';
import { EditorState, type Extension } from '@codemirror/state';
import { EditorView, highlightActiveLine, highlightSpecialChars, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { t } from '../shell/language.ts';
import { isBootstrap } from './upload.ts';

/** The editor of code. The pages load this module, which holds the library, when an editor is opened. */

type EditorOptions = {
  /** The element that gets the editor. It must have no shadow tree yet. */
  host: HTMLElement;
  /** The name of the editor for screen readers. */
  label: string;
  /** The path of the file, whose extension names the language. */
  path: string;
  text: string;
  isReadOnly: boolean;
  /** With it, the lines that differ from this text are marked, and the removed lines are shown. */
  original?: string | undefined;
  onChange: (text: string) => void;
};

/**
 * Opens an editor in the shadow tree of its host. Returns the function that closes the editor.
 *
 * In a shadow tree the library adds its styles as an object of the browser. In a document it would insert a style element, which the
 * Content-Security-Policy of the pages forbids.
 */
export function openEditor({ host, label, path, text, isReadOnly, original, onChange }: EditorOptions): () => void {
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' });
  const extensions: Extension[] = [
    lineNumbers(),
    highlightSpecialChars({ addSpecialChars: /\p{Bidi_Control}/u }),
    history(),
    indentOnInput(),
    bracketMatching(),
    languageOf(path),
    syntaxHighlighting(highlighting),
    EditorState.tabSize.of(2),
    ...(isPython(path) ? [indentUnit.of('    ')] : []),
    // The library puts the number where its own text has `$`.
    EditorState.phrases.of({ '$ unchanged lines': t('{count} unchanged lines', { count: '$' }) }),
    EditorState.readOnly.of(isReadOnly),
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({ 'aria-label': label, ...(isReadOnly ? { 'aria-readonly': 'true' } : {}) }),
    keymap.of([...(isReadOnly ? [] : [indentWithTab]), ...historyKeymap, ...defaultKeymap]),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) onChange(update.state.doc.toString());
    }),
    ...(isReadOnly ? [] : [highlightActiveLine(), replacement]),
    ...(original === undefined ? [] : [unifiedMergeView({ original, mergeControls: false, collapseUnchanged: { margin: 3, minSize: 6 } })]),
    theme,
  ];
  const view = new EditorView({ root, parent: root, state: EditorState.create({ doc: text, extensions }) });
  return () => view.destroy();
}

function languageOf(path: string): Extension {
  if (isBootstrap(path)) return [];
  return isPython(path) ? python() : javascript({ typescript: /\.[cm]?tsx?$/.test(path), jsx: /\.[jt]sx$/.test(path) });
}

function isPython(path: string): boolean {
  return path.endsWith('.py');
}

/**
 * Replaces a selection that the user types over. The browser would keep the colours of the replaced text by a style attribute, which the
 * Content-Security-Policy of the pages forbids.
 */
const replacement = EditorView.domEventHandlers({
  beforeinput(event, view) {
    if (event.inputType !== 'insertText' || event.data === null || view.state.selection.main.empty) return false;
    view.dispatch(view.state.replaceSelection(event.data), { userEvent: 'input.type', scrollIntoView: true });
    return true;
  },
});

/** The colours are those of the pages, whose custom properties reach into the shadow tree. */
const highlighting = HighlightStyle.define([
  { tag: [tags.keyword, tags.modifier, tags.operatorKeyword, tags.controlKeyword], color: 'var(--accent)' },
  { tag: [tags.string, tags.special(tags.string), tags.regexp], color: 'var(--succeeded)' },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: 'var(--retrying)' },
  { tag: [tags.comment], color: 'var(--text-soft)', fontStyle: 'italic' },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName), tags.typeName, tags.className], color: 'var(--running)' },
  { tag: [tags.invalid], color: 'var(--failed)' },
]);

const theme = EditorView.theme({
  '&': { height: '100%', backgroundColor: 'var(--surface)', color: 'var(--text)', fontSize: '12.5px', borderRadius: 'var(--radius)' },
  '&.cm-focused': { outline: '2px solid var(--accent)', outlineOffset: '1px' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.6', overflow: 'auto' },
  '.cm-content': { caretColor: 'var(--text)', padding: '8px 0' },
  '.cm-gutters': { backgroundColor: 'var(--sunken)', color: 'var(--text-soft)', border: 'none', borderRight: '1px solid var(--line)' },
  '.cm-activeLine': { backgroundColor: 'var(--muted-soft)' },
  '&.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--accent-soft)', outline: '1px solid var(--accent)' },
  '.cm-deletedChunk': { backgroundColor: 'var(--failed-soft)', paddingLeft: '6px' },
  '.cm-deletedChunk .cm-deletedText, .cm-deletedText': { background: 'transparent', textDecoration: 'line-through' },
  '.cm-deletedLine, .cm-deletedChunk del': { textDecoration: 'none' },
  '.cm-changedLine, .cm-insertedLine': { backgroundColor: 'var(--succeeded-soft)' },
  '.cm-changedText': { background: 'transparent', textDecoration: 'underline' },
  '.cm-collapsedLines': { background: 'var(--sunken)', color: 'var(--text-soft)', paddingBlock: '2px' },
});
