/** The texts of `sequent batch`. */
export const batchTexts = {
  'the lines of one input, invoked together: ls, get, results, seal, cancel, redrive':
    '同一输入各行的批量调用：ls、get、results、seal、cancel、redrive',
  'list the batches': '列出批次',
  'show a batch and the counts of its members': '显示批次及其成员计数',
  'print the results of a batch as JSON Lines': '以 JSON Lines 输出批次的结果',
  'end the input of a batch whose sender is gone': '结束发送方已离开的批次的输入',
  'Seals an open batch: no further member is awaited, and its destinations are told once its members are over.':
    '封闭打开的批次：不再等待新成员，成员全部结束后通知目标服务。',
  'with --batch: told once when all lines are over, as fn put --on-success (repeatable)':
    '与 --batch 一起：全部行结束后通知一次的目标服务，写法同 fn put --on-success（可重复）',
  'cancel the open members of a batch': '取消批次中未结束的成员',
  'run the failed members of a batch again, as a new batch': '将批次中失败的成员作为新批次重新调用',
  'A batch is the lines of one input, invoked together by sequent invoke --batch, or over HTTP. Each line is a member.':
    '批次是同一输入的各行，由 sequent invoke --batch 或 HTTP 批量调用。每行是一个成员。',
  'Lists the batches with the counts of their members, the greatest id first.': '列出批次及其成员计数，ID 大的在前。',
  'Shows how many members of a batch are in each state.': '显示批次中处于各状态的成员数量。',
  'Prints a line of JSON for each member of a batch, in the order of their acceptance: its status and its response.':
    '按受理顺序为批次的每个成员输出一行 JSON：状态和响应。',
  'Cancels the members of a batch that have no outcome. Members that are over stay as they are.':
    '取消批次中尚无结果的成员。已结束的成员不变。',
  'Runs the failed members of a batch again, as the members of a new batch. Members that were redriven before are left out.':
    '将批次中失败的成员作为新批次的成员重新调用。已重新调用过的成员不再包括。',
  'the id of the batch: its key, or the id that sequent invoke --batch printed': '批次的 ID：批次的键，或 sequent invoke --batch 输出的 ID',
  'its function, if several functions have a batch with this id': '多个函数有此 ID 的批次时指定函数',
  'only members of this batch': '只包括此批次的成员',
  'with --open: only members of this batch': '与 --open 一起：只包括此批次的成员',
};
