import { batches } from './zh-cn/batches.ts';
import { code } from './zh-cn/code.ts';
import { flow } from './zh-cn/flow.ts';
import { functions } from './zh-cn/functions.ts';
import { invocation } from './zh-cn/invocation.ts';
import { invocations } from './zh-cn/invocations.ts';
import { logs } from './zh-cn/logs.ts';
import { machine } from './zh-cn/machine.ts';
import { parts } from './zh-cn/parts.ts';
import { schedules } from './zh-cn/schedules.ts';
import { shell } from './zh-cn/shell.ts';
import { system } from './zh-cn/system.ts';

/**
 * The texts of the pages in simplified Chinese, by their English text: a file for each folder of pages.
 *
 * The terms are those of FunctionGraph's console and documents, such as 异步配置, 目标服务, 失效时通知 and 委托.
 */
export const zhCn = {
  ...shell,
  ...parts,
  ...machine,
  ...invocation,
  ...invocations,
  ...functions,
  ...code,
  ...logs,
  ...schedules,
  ...batches,
  ...flow,
  ...system,
};
