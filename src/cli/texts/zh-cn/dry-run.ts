/** The texts of `--dry-run`. */
export const dryRun = {
  '{name}: new': '{name}：新建',
  '{name}: removed': '{name}：删除',
  'a request of {function}: new': '函数 {function} 的请求：新建',
  'the request {subject}': '请求 {subject}',
  'invocation {invocation} of {function}': '{function} 的调用 {invocation}',
  '{count} further changes are not shown': '另有 {count} 处变更未显示',
  'nothing would change': '不会有任何变更',
  'nothing was changed (--plan)': '未作任何变更（--plan）',
  'nothing was deployed': '未部署任何内容',
  'nothing had to be changed': '没有需要变更的内容',
  '{functions} functions and {schedules} schedules written to {folder}': '{functions} 个函数和 {schedules} 个定时计划已写入 {folder}',
  'the event of the schedule {name} is encrypted, and is not exported': '定时计划 {name} 的事件已加密，未导出',
  'nothing was changed (--dry-run)': '未作任何变更（--dry-run）',
};
