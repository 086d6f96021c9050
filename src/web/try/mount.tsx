import { render } from 'preact';
import type { Language } from '#src/core/text/language.ts';
import { chooseLanguage } from '../shell/language.ts';
import type { RunPolicy } from './choice.ts';
import { PolicyPage } from './page.tsx';
import '../styles/base.css';
import '../styles/parts.css';
import '../styles/pages/invocation.css';
import '../styles/timeline.css';
import './try.css';

/** Shows the page "Try a policy" in an element of another site. Resolves to the function that removes the page. */
export async function mountPolicyPage(element: Element, { language, run }: { language: Language; run: RunPolicy }): Promise<() => void> {
  await chooseLanguage(language);
  render(<PolicyPage run={run} />, element);
  return () => render(null, element);
}
