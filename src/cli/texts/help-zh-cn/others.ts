/** The titles of the help, and what stands below it. */
export const others = {
  'Usage:': '用法：',
  'Arguments:': '参数：',
  'Options:': '选项：',
  'Commands:': '命令：',
  'print this help': '输出此帮助',
  'Options of every command, such as --server, --data and --json: sequent help options':
    '所有命令共有的选项，例如 --server、--data 和 --json：sequent help options',
  'Options of every command:': '所有命令共有的选项：',
  'The name in brackets is the environment variable of the same setting.': '括号中为同一设置的环境变量。',
  'Try first:': '首先尝试：',
  'Results go to stdout, all other messages to stderr.': '结果输出到 stdout，其他消息输出到 stderr。',
  'Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 conflict, 5 refused credentials, 6 no NATS, 7 timed out, 8 a plan differs, 70 defect, 130 Ctrl-C.':
    '退出码：0 成功，1 失败，2 用法错误，3 未找到，4 冲突，5 凭据被拒绝，6 无法连接 NATS，7 超时，8 计划有变更，70 缺陷，130 Ctrl-C。',
  'Examples:': '示例：',
};
