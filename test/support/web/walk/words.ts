import type { Language } from '#src/core/text/language.ts';

/** The words of the pages that the walk through the worked example uses, by language. */
export type Words = Record<
  | 'writeFirst'
  | 'newFunction'
  | 'logTemplate'
  | 'create'
  | 'code'
  | 'targetFunction'
  | 'savePolicy'
  | 'edge'
  | 'invokeDialog'
  | 'invoke'
  | 'saveEvent'
  | 'eventName'
  | 'saveTheEvent'
  | 'saveCode'
  | 'lineage',
  string
> &
  Record<'name' | 'template' | 'testEvent' | 'outputs' | 'retries', RegExp> &
  Record<'addOn' | 'target', Record<'success' | 'failure', string>>;

export const languages: Readonly<Record<Language, Words>> = {
  en: {
    writeFirst: 'Write the first one here',
    newFunction: 'New function',
    name: /^Name/,
    template: /^Template/,
    logTemplate: 'Log the event (for a destination)',
    create: 'Create the function',
    code: 'Code',
    addOn: { success: 'Destinations on success: add a destination', failure: 'Destinations on failure: add a destination' },
    target: { success: 'Destinations on success, destination 1', failure: 'Destinations on failure, destination 1' },
    targetFunction: 'Function',
    savePolicy: 'Save the policy',
    edge: 'test1 notifies test3 on failure',
    invokeDialog: 'Invoke…',
    invoke: 'Invoke',
    saveEvent: 'Save as a test event…',
    eventName: 'Name of the test event',
    saveTheEvent: 'Save the event',
    saveCode: 'Save the code',
    testEvent: /^Test event/,
    lineage: 'Lineage',
    outputs: /^Output/,
    retries: /^Retries/,
  },
  'zh-CN': {
    writeFirst: '在此编写第一个函数',
    newFunction: '创建函数',
    name: /^函数名称/,
    template: /^模板/,
    logTemplate: '记录事件（用作目标服务）',
    create: '创建函数',
    code: '代码',
    addOn: { success: '成功时通知：添加目标服务', failure: '失效时通知：添加目标服务' },
    target: { success: '成功时通知，目标服务 1', failure: '失效时通知，目标服务 1' },
    targetFunction: '函数',
    savePolicy: '保存异步配置',
    edge: 'test1 失效时通知 test3',
    invokeDialog: '调用…',
    invoke: '调用',
    saveEvent: '保存为测试事件…',
    eventName: '测试事件名称',
    saveTheEvent: '保存事件',
    saveCode: '保存代码',
    testEvent: /^测试事件(?!名称)/,
    lineage: '调用链',
    outputs: /^输出/,
    retries: /^重试次数/,
  },
};
