/** The commands that invoke and execute: invoke, pull and run. */
export const invoking = {
  'the invocation continues without this command: sequent result {id}': '调用会继续，不受此命令影响：sequent result {id}',
  'accepted as {id}': '已受理，请求 ID 为 {id}',
  '{counts}; the accepted ones continue without this command': '{counts}；已受理的请求会继续，不受此命令影响',
  'line {number} is skipped: {why}': '第 {number} 行已跳过：{why}',
  '{requests} accepted, {rate}/s': '已受理 {requests}，每秒 {rate} 个',
  '{requests} accepted, {lines} skipped, {rate}/s': '已受理 {requests}，跳过 {lines}，每秒 {rate} 个',
  '{count} request': '{count} 个请求',
  '{count} requests': '{count} 个请求',
  '{count} line': '{count} 行',
  '{count} lines': '{count} 行',
  'batch {batch}; its counts: sequent batch get {batch}': '批次 {batch}；查看计数：sequent batch get {batch}',
  'with --key, the command could be repeated': '使用 --key 时可以重复此命令',
  'run it again with the same --key': '请用相同的 --key 重新运行',
  'the command stopped: {lines} without an answer, the first is line {first}, and no later line is sent; {again}':
    '命令已停止：{lines}没有得到应答，首行为第 {first} 行，之后的行没有发送；{again}',
  'attempt {attempt} of {function} is in {file}; try: sequent run {source} --event {file}':
    '{function} 的第 {attempt} 次执行已写入 {file}；可运行：sequent run {source} --event {file}',
  '{function} no longer exists, so its user data and its handler are not written': '{function} 已不存在，因此没有写入其用户数据和入口',
  'the attempt ran revision {ran} of {function}; the user data, the timeout and the memory are those of revision {present}':
    '该次执行使用的是 {function} 的修订 {ran}；写入的用户数据、超时时间和内存属于修订 {present}',
  '<handler file>': '<入口文件>',
  'the file holds no secret; pass what the handler needs: {flags}': '文件不含机密数据；请传入处理程序所需的内容：{flags}',
  '{outcome} after {duration}, exit code {code}': '{duration} 后{outcome}，退出码 {code}',
  '{outcome} after {duration}, {memory} of memory, exit code {code}': '{duration} 后{outcome}，内存 {memory}，退出码 {code}',
};
