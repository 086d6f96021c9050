import { batchTexts } from './batch-texts.ts';

/** The texts of `sequent schedule`, and of `sequent batch`. */
export const scheduleTexts = {
  ...batchTexts,
  'invoke functions again and again: put, ls, get, rm, pause, resume, run': '定时反复调用函数：put、ls、get、rm、pause、resume、run',
  'create or change a schedule': '创建或替换定时计划',
  'list the schedules': '列出定时计划',
  'show a schedule and its next fire times': '显示定时计划及其下次触发时间',
  'remove a schedule': '删除定时计划',
  'stop firing a schedule': '停止触发定时计划',
  'resume a paused schedule': '恢复已暂停的定时计划',
  'invoke the function of a schedule now': '立即调用定时计划的函数',
  'Schedules invoke functions again and again: at the times of a cron expression in a time zone.':
    '定时计划反复调用函数：触发时间由某个时区中的 cron 表达式决定。',
  'Creates a schedule, or changes the named fields and keeps all others. A paused schedule stays paused. Past fire times of new times are not made up.':
    '创建定时计划，或修改写明的字段并保留其他字段。已暂停的定时计划保持暂停。修改时间后不补做过去的触发。',
  'Lists the schedules.': '列出定时计划。',
  'Shows a schedule, the fire times that fired, were skipped and were missed, and the next ones.':
    '显示定时计划，已触发、被跳过和错过的触发时间，以及下次触发时间。',
  'Removes a schedule. The invocations that it requested stay.': '删除定时计划。已发起的调用保留。',
  'Stops firing a schedule until it is resumed. The fire times of the pause are not made up.':
    '停止触发定时计划，直到恢复。暂停期间的触发不补做。',
  'Resumes a paused schedule. It fires next at its next fire time.': '恢复已暂停的定时计划，在下一个触发时间触发。',
  'Invokes the function of a schedule now, with its event, also while the schedule is paused. The fire times stay as they are. Prints the request id.':
    '立即用定时计划的事件调用其函数，暂停时也可以。触发时间不变。输出请求 ID。',
  'the name of the schedule': '定时计划的名称',
  'minute, hour, day, month, weekday; or six fields with seconds before them; or @hourly, @daily':
    '分钟、小时、日、月、星期；或前面加秒的六个字段；或 @hourly、@daily',
  'the time zone of the expression, such as Europe/Berlin (default: UTC)': '表达式的时区，例如 Asia/Shanghai（默认：UTC）',
  'the function, optionally with a version or an alias: report:v1, report:!prod': '函数，可带版本或别名：report:v1、report:!prod',
  'at a fire time while the invocation before is not over: skip it, queue it, cancel that invocation, or allow both':
    '触发时前一次调用尚未结束：跳过（skip）、排队（queue）、取消前一次调用（cancel）或同时执行（allow）',
  'how late a missed fire time is made up after an outage: 10s to 7d (default: 24h)':
    '故障后可补做多久之前错过的触发：10s 到 7d（默认：24h）',
  'delay each fire time by a part of this time (default: 0s)': '每次触发随机延迟，最多此时长（默认：0s）',
  'only requested by this schedule': '只包括此定时计划发起的',
  'the number of next fire times': '下次触发时间的数量',
};
