/** What `inBulk` says about each action. The texts are keys of the catalogue. */
export const bulkTexts = {
  cancel: {
    none: 'no open invocation matches',
    items: ['{count} open invocation', '{count} open invocations'],
    ask: 'Cancel {items}?',
    wouldBe: 'would be cancelled',
    dryRun: '{items} would be cancelled; this was a dry run',
    nothing: 'nothing was cancelled',
    done: '{items} cancelled',
    partly: '{items} cancelled, {failed} could not be',
  },
  runAgain: {
    none: 'no failed invocation matches',
    items: ['{count} failed invocation', '{count} failed invocations'],
    ask: 'Run again {items}?',
    wouldBe: 'would be run again',
    dryRun: '{items} would be run again; this was a dry run',
    nothing: 'nothing was run again',
    done: '{items} run again',
    partly: '{items} run again, {failed} could not be',
  },
  redrive: {
    none: 'no dead delivery matches',
    items: ['{count} dead delivery', '{count} dead deliveries'],
    ask: 'Redrive {items}?',
    wouldBe: 'would be redriven',
    dryRun: '{items} would be redriven; this was a dry run',
    nothing: 'nothing was redriven',
    done: '{items} redriven',
    partly: '{items} redriven, {failed} could not be',
  },
  dismiss: {
    none: 'no dead delivery matches',
    items: ['{count} dead delivery', '{count} dead deliveries'],
    ask: 'Dismiss {items}?',
    wouldBe: 'would be dismissed',
    dryRun: '{items} would be dismissed; this was a dry run',
    nothing: 'nothing was dismissed',
    done: '{items} dismissed',
    partly: '{items} dismissed, {failed} could not be',
  },
} as const;
export type BulkTexts = (typeof bulkTexts)[keyof typeof bulkTexts];
