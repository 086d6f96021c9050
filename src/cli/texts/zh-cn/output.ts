/** What tables, prompts and lists have in common. */
export const output = {
  '[y/N]': '[y/N]（y 表示是）',
  ', ': '、',
  'not shown in {columns} columns: {heads}; -o json has all': '宽度 {columns} 列内未显示：{heads}；-o json 包含全部',
  'there are more: --cursor {cursor}': '还有更多：--cursor {cursor}',
  'there may be more: --after {sequence}': '可能还有更多：--after {sequence}',
  'no invocation matches': '没有匹配的调用',
  '(the function returned nothing)': '（函数没有返回值）',
  'server {servers} ({reason})': '服务器 {servers}（{reason}）',
  'Sequent started it on another folder; none runs on {folder}': '由 Sequent 在其他文件夹上启动；{folder} 上没有运行的服务器',
  'from {source}': '来自 {source}',
  'the connection to NATS is lost; reconnecting': '与 NATS 的连接中断，正在重新连接',
  'connected to NATS again; no transition was lost': '已重新连接 NATS，没有丢失任何状态变化',
  '{time} UTC, again every {seconds} s; Ctrl-C ends this': '{time} UTC，每 {seconds} 秒刷新一次；按 Ctrl-C 结束',
  "reading the event from stdin (end it with Ctrl-D; or pass -d '{}')": "正在从 stdin 读取事件（按 Ctrl-D 结束；或使用 -d '{}'）",
};
