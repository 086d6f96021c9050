import { useState } from 'preact/hooks';
import { durationText, parseDuration } from '#src/core/text/parse-duration.ts';
import type { ScheduleView } from '#src/gateway/api/schedules/schedule-schemas.ts';
import { request } from '../api/http.ts';
import { jsonError, useAction } from '../invocation/actions.tsx';
import { FormField, messageAt, problemBeside } from '../parts/forms/form-field.tsx';
import { useFunctionNames } from '../parts/forms/function-filter.tsx';
import { ProblemNotice } from '../parts/notices.tsx';
import { formatJson } from '../parts/payload-text.ts';
import { Dialog, DialogFooter } from '../shell/dialog.tsx';
import { t } from '../shell/language.ts';
import { showToast } from '../shell/toasts.tsx';

/** A schedule as the user types it. */
type Draft = {
  name: string;
  cron: string;
  timeZone: string;
  function: string;
  qualifier: string;
  event: string;
  overlap: ScheduleView['overlap'];
  catchUp: string;
  jitter: string;
  description: string;
};

const pointers = ['/cron', '/time_zone', '/function', '/qualifier', '/event', '/catch_up_ms', '/jitter_ms', '/description'];

type ScheduleFormProps = { schedule: ScheduleView | undefined; onClose: () => void; onSaved: () => void };

/** Creates a schedule, or edits one. */
export function ScheduleForm({ schedule, onClose, onSaved }: ScheduleFormProps) {
  const [draft, setDraft] = useState(() => draftOf(schedule));
  const { run, isRunning, problem } = useAction<unknown>();
  const wrong = mistakesIn(draft);
  const save = (): void =>
    void run(async () => {
      await request(`/api/schedules/${encodeURIComponent(draft.name)}`, { method: 'PUT', text: bodyOf(draft) });
      showToast(t('The schedule {name} is saved', draft));
      onSaved();
      onClose();
      return true;
    });
  const isIncomplete = [draft.name, draft.cron, draft.function].includes('') || Object.values(wrong).some((one) => one !== undefined);
  const beside = problemBeside(problem, pointers);
  const set = (changed: Partial<Draft>): void => setDraft({ ...draft, ...changed });
  const title = schedule === undefined ? t('New schedule') : t('Edit {name}', schedule);
  return (
    <Dialog title={title} onClose={onClose} wide>
      <div class="dialog-body">
        {schedule === undefined ? (
          <FormField
            label={t('Name of the schedule')}
            hint={t('1 to 60 letters, digits, - or _')}
            required
            value={draft.name}
            onChange={(name) => set({ name })}
          />
        ) : null}
        <TimeFields {...{ draft, problem, set, wrong }} />
        <TargetFields {...{ draft, problem, set, wrong }} />
        {beside === undefined ? null : <ProblemNotice problem={beside} />}
      </div>
      <DialogFooter onClose={onClose}>
        <button type="button" class="button primary" disabled={isRunning || isIncomplete} onClick={save}>
          {t('Save the schedule')}
        </button>
      </DialogFooter>
    </Dialog>
  );
}

type FieldsProps = {
  draft: Draft;
  problem: ReturnType<typeof useAction>['problem'];
  wrong: Mistakes;
  set: (changed: Partial<Draft>) => void;
};

function TimeFields({ draft, problem, wrong, set }: FieldsProps) {
  return (
    <>
      <div class="schedule-fields">
        <FormField
          label={t('Cron expression')}
          hint={t('minute, hour, day, month, weekday; or six fields with seconds before them')}
          required
          placeholder="0 3 * * *"
          value={draft.cron}
          message={messageAt(problem, '/cron')}
          onChange={(cron) => set({ cron })}
        />
        <FormField
          label={t('Time zone')}
          hint={t('a name of the IANA database')}
          value={draft.timeZone}
          choices={Intl.supportedValuesOf('timeZone')}
          message={messageAt(problem, '/time_zone')}
          onChange={(timeZone) => set({ timeZone })}
        />
      </div>
      <div class="schedule-fields">
        <FormField
          label={t('Catch-up window')}
          hint={t('how late a missed fire time is made up after an outage: 10s to 7d')}
          value={draft.catchUp}
          message={wrong.catchUp ?? messageAt(problem, '/catch_up_ms')}
          onChange={(catchUp) => set({ catchUp })}
        />
        <FormField
          label={t('Jitter of the fire times')}
          hint={t('each fire time is delayed by a part of this time, such as 30s')}
          value={draft.jitter}
          message={wrong.jitter ?? messageAt(problem, '/jitter_ms')}
          onChange={(jitter) => set({ jitter })}
        />
      </div>
      <label class="field">
        <span>{t('Overlap')}</span>
        <select value={draft.overlap} onChange={({ currentTarget }) => set({ overlap: currentTarget.value as Draft['overlap'] })}>
          <option value="skip">{t('skip the fire time')}</option>
          <option value="queue">{t('queue the fire time until that invocation is over')}</option>
          <option value="cancel">{t('cancel that invocation, and fire then')}</option>
          <option value="allow">{t('allow both at the same time')}</option>
        </select>
        <small>{t('what happens at a fire time while the invocation before it is not over')}</small>
      </label>
    </>
  );
}

function TargetFields({ draft, problem, wrong, set }: FieldsProps) {
  const { names } = useFunctionNames();
  return (
    <>
      <div class="schedule-fields">
        <FormField
          label={t('Function of the schedule')}
          required
          value={draft.function}
          choices={names}
          message={messageAt(problem, '/function')}
          onChange={(name) => set({ function: name })}
        />
        <FormField
          label={t('Version or alias')}
          hint={t('such as v1 or !prod; empty for latest')}
          value={draft.qualifier}
          message={messageAt(problem, '/qualifier')}
          onChange={(qualifier) => set({ qualifier })}
        />
      </div>
      <FormField
        label={t('Event')}
        hint={t('JSON that the function receives as its event')}
        rows={4}
        value={draft.event}
        message={wrong.event ?? messageAt(problem, '/event')}
        onChange={(event) => set({ event })}
      />
      <FormField
        label={t('Description')}
        value={draft.description}
        message={messageAt(problem, '/description')}
        onChange={(description) => set({ description })}
      />
    </>
  );
}

function draftOf(schedule: ScheduleView | undefined): Draft {
  return {
    name: schedule?.name ?? '',
    cron: schedule?.cron ?? '',
    timeZone: schedule?.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    function: schedule?.function ?? '',
    qualifier: schedule?.qualifier ?? '',
    event: eventOf(schedule),
    overlap: schedule?.overlap ?? 'skip',
    catchUp: durationText(schedule?.catch_up_ms ?? 86_400_000),
    jitter: durationText(schedule?.jitter_ms ?? 0),
    description: schedule?.description ?? '',
  };
}

/** Without the key of the project the gateway shows no event. The field is empty then, so that no save replaces the event unnoticed. */
function eventOf(schedule: ScheduleView | undefined): string {
  if (schedule === undefined) return '{}';
  return formatJson(schedule.event_text ?? '').text;
}

/** The event is sent as it was typed: its numbers may be beyond 2^53. */
function bodyOf({ name: _, timeZone, qualifier, event, catchUp, jitter, ...same }: Draft): string {
  const fields = {
    ...same,
    ...(timeZone === '' ? {} : { time_zone: timeZone }),
    ...(qualifier === '' ? {} : { qualifier }),
    catch_up_ms: parseDuration(catchUp),
    jitter_ms: parseDuration(jitter),
  };
  return `${JSON.stringify(fields).slice(0, -1)},"event":${event}}`;
}

type Mistakes = { event: string | undefined; catchUp: string | undefined; jitter: string | undefined };

function mistakesIn({ event, catchUp, jitter }: Draft): Mistakes {
  const duration = (text: string) => (parseDuration(text) === undefined ? t('not a duration, such as 30s, 10m or 24h') : undefined);
  return { event: jsonError(event), catchUp: duration(catchUp), jitter: duration(jitter) };
}
