import { render } from 'preact';
import { App } from './shell/app.tsx';
import { startEscaping } from './shell/escape-texts.ts';
import { startKeys } from './shell/keys.ts';
import { startLanguage } from './shell/language.ts';
import { startSession } from './shell/login/session.ts';
import { startRouter } from './shell/router.tsx';
import { startSettings } from './shell/settings.ts';
import './styles/base.css';
import './styles/parts.css';
import './styles/dialogs.css';
import './styles/shell.css';
import './styles/pages/list.css';
import './styles/pages/invocation.css';
import './styles/machine.css';
import './styles/timeline.css';

startEscaping();
startSettings();
startRouter();
startKeys();
void startSession();
void startLanguage().then(() => {
  const page = document.getElementById('page');
  if (page !== null) render(<App />, page);
});
