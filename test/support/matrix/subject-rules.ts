import { questions } from '#src/core/history-questions.ts';
import { functionIn, type StreamId } from '#src/core/names/names.ts';
import { subjects } from '#src/core/names/subjects.ts';
import { PERMISSION_ROLES, permissionsOf } from '#src/nats/permissions/role-permissions.ts';
import { idOf, nameOf, OTHER, type Victim } from './victims.ts';

/** The subjects of Sequent with names of a victim. A subject without a line here does not compile. */
function sequentSubjects(victim: Victim): Record<keyof typeof subjects, string[]> {
  const name = functionIn(victim === OTHER ? victim.project : undefined, nameOf(victim, 'failed'));
  const id = idOf(victim, 'failed');
  const stream = { function: name, stream: id as StreamId };
  return {
    invoke: [subjects.invoke(name), `invoke.${name}`],
    invokeOf: [subjects.invokeOf({ project: victim.project, bare: nameOf(victim, 'done') })],
    derived: [subjects.derived(name)],
    wake: [subjects.wake(name)],
    deliver: [subjects.deliver(name)],
    erase: [subjects.erase(id)],
    invocation: [subjects.invocation(stream)],
    anyFunctionOf: [subjects.invocation(stream)],
    result: [subjects.result(name, 'succeeded'), subjects.result(name, 'failed')],
    resultOf: [subjects.resultOf({ project: victim.project, bare: nameOf(victim, 'done') }, 'failed')],
    runs: [subjects.runs('worker')],
    cancel: [subjects.cancel('worker')],
    liveOutput: [subjects.liveOutput(name)],
    work: [subjects.work(name)],
    findRequest: [subjects.findRequest()],
    covered: [subjects.covered()],
    checkDestination: [subjects.checkDestination()],
    askConnections: [subjects.askConnections()],
    history: Object.keys(questions).flatMap((question) => [subjects.history(question), subjects.history(question, 'projection')]),
    historyOf: Object.keys(questions).map((question) => subjects.historyOf(victim.project, question)),
    signatures: [subjects.signatures()],
    audit: [subjects.audit(victim.project)],
    disRecord: [subjects.disRecord(`${victim.project}=orders`)],
  };
}

/** Literal subjects of a victim: those of Sequent, of its responders, and all that a role of Sequent may use, such as JetStream's API. */
export function subjectsAbout(victim: Victim): string[] {
  const ofRoles = PERMISSION_ROLES.flatMap((role) => {
    const { publish, subscribe } = permissionsOf(role);
    // A consumer may publish to a subject that nobody uses.
    return [...publish, ...subscribe]
      .filter((pattern) => pattern !== '_none_')
      .map((pattern) => pattern.replaceAll(/[*>]/g, nameOf(victim, 'done')));
  });
  return [...new Set([...Object.values(sequentSubjects(victim)).flat(), `fn.${victim.project}.done`, ...ofRoles])];
}

/** Patterns by which a subscriber would hear a victim. */
export function patternsAbout(victim: Victim): string[] {
  const literal = subjectsAbout(victim);
  const first = literal.map((subject) => `${subject.split('.', 1)[0]}.>`);
  return [...new Set(['>', '*', '*.>', ...first, ...literal])];
}
