import { useState } from 'preact/hooks';
import { request } from '../../api/http.ts';
import { type ChosenCode, CodeSource, codeOfTemplate } from '../../code/code-source.tsx';
import { LayerFields } from '../../code/layers.tsx';
import { templates } from '../../code/templates.ts';
import { storeCode } from '../../code/upload.ts';
import { useAction } from '../../invocation/actions.tsx';
import { BackLink } from '../../parts/back-link.tsx';
import { Fold } from '../../parts/fold.tsx';
import { FormField, messageAt, problemBeside } from '../../parts/forms/form-field.tsx';
import { ProblemNotice } from '../../parts/notices.tsx';
import { t } from '../../shell/language.ts';
import { useRole } from '../../shell/login/session.ts';
import { navigate, paths } from '../../shell/router.tsx';
import { showToast } from '../../shell/toasts.tsx';
import { defaultLimits, definitionOf, LimitFields, limitPointers } from './limit-fields.tsx';
import '../../styles/pages/functions.css';

/** Creates a function: its name, its code, its limits. Then the page of the function opens. */
export function CreateFunctionPage() {
  const [name, setName] = useState('');
  const [chosen, setChosen] = useState<ChosenCode>(() => codeOfTemplate(templates[0] ?? { key: '', title: '', file: '', text: '' }));
  const [limits, setLimits] = useState(defaultLimits);
  const [layers, setLayers] = useState<string[]>([]);
  const { run, isRunning, problem } = useAction<unknown>();
  const role = useRole('deploy');
  const create = (event: Event): void => {
    event.preventDefault();
    const { code, handler, runtime } = chosen;
    if (code === undefined) return;
    void run(async () => {
      const path = `/api/functions/${encodeURIComponent(name)}`;
      const stored = await storeCode(path, { ...code, handler, runtime, layers });
      await request(path, { method: 'PUT', body: { ...definitionOf(limits), handler: stored } });
      showToast(t('{name} is created', { name }));
      navigate(paths.function(name));
      return true;
    });
  };
  const exists = problem?.status === 428 ? t('A function with this name exists. Choose another name, or edit that function.') : undefined;
  const beside = exists === undefined ? problemBeside(problem, ['/name', '/handler', '/layers', ...limitPointers]) : undefined;
  return (
    <div class="page">
      <div class="page-head">
        <BackLink to={paths.functions} name={t('All functions')} />
        <h1>{t('New function')}</h1>
      </div>
      <form class="card code-form" aria-label={t('New function')} onSubmit={create} noValidate>
        <FormField
          label={t('Name')}
          hint={t('1 to 60 letters, digits, - or _')}
          required
          value={name}
          message={exists ?? messageAt(problem, '/name')}
          onChange={setName}
        />
        <CodeSource onChange={setChosen} />
        <Fold
          title={t('Handler and limits')}
          hint={t('handler, layers, description, timeout, memory, concurrency, sizes, flow')}
          isNeeded={['/handler', '/layers', ...limitPointers].some((pointer) => messageAt(problem, pointer) !== undefined)}
        >
          <FormField
            label={t('Handler')}
            hint={t('the file without its extension, a dot, and the exported function')}
            value={chosen.handler}
            message={messageAt(problem, '/handler')}
            onChange={(handler) => setChosen({ ...chosen, handler })}
          />
          <LayerFields layers={layers} message={messageAt(problem, '/layers')} onChange={setLayers} />
          <LimitFields limits={limits} problem={problem} onChange={setLimits} />
        </Fold>
        {beside === undefined ? null : <ProblemNotice problem={beside} />}
        <div class="policy-foot">
          <button
            type="submit"
            class="button primary"
            title={role.title}
            disabled={isRunning || role.disabled || name === '' || chosen.code === undefined}
          >
            {t('Create the function')}
          </button>
        </div>
      </form>
    </div>
  );
}
