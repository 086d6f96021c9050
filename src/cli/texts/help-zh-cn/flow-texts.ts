/** The texts of `sequent flow`, and of the options of a flow. */
export const flowTexts = {
  'show what runs and waits in the flows of functions: ls': '显示函数流控中正在执行和等待的调用：ls',
  'The flow of a function limits its attempts over all workers: of the function, of each key, or of a pool of functions.':
    '函数的流控限制所有 worker 上同时进行的执行：按函数、按键，或按多个函数共享的池。',
  'list the pools, and the keys for which invocations wait': '列出池，以及有调用等待的键',
  'Lists the flows: how many attempts run, and how many wait for a slot, a rate or a debounce, of which functions, for which keys.':
    '列出流控：有多少执行正在进行，多少在等待名额、速率或防抖，属于哪些函数、哪些键。',
  'only the pool of this function, or this pool': '只包括此函数的池，或此池',
  'the maximum number of keys of each pool': '每个池最多列出的键数',
  'attempts at one moment over all workers: of each key with --flow-key, else of all':
    '所有 worker 同时进行的执行数：使用 --flow-key 时按每个键，否则为全部',
  'starts in a time over all workers: 100/1s, or 100/1m:20 with a burst of 20':
    '所有 worker 合计在一段时间内开始的执行数：100/1s，或 100/1m:20（突发 20）',
  'where the key is in the event: $.customer; the key of a request has precedence (invoke --flow-key)':
    '键在事件中的位置：$.customer；请求自带的键优先（invoke --flow-key）',
  'with --flow-key: attempts of all keys together': '与 --flow-key 一起使用：所有键合计的执行数',
  'share the slots with the functions of the same pool': '与同一个池的函数共享名额',
  'requests of a key run once, when none came for this time: 5s; needs --flow-debounce-keep':
    '同一个键的请求在此时间内没有后续请求时执行一次：5s；需要 --flow-debounce-keep',
  'with --flow-debounce-wait: the longest time after the first request (default: 10 waits)':
    '与 --flow-debounce-wait 一起使用：第一个请求之后的最长时间（默认：等待时间的 10 倍）',
  'with --flow-debounce-wait: the last request runs, or all run together':
    '与 --flow-debounce-wait 一起使用：执行最后一个请求（last），或全部一起执行（all）',
  'fifo: the requests of a key start one after another, in their order; priority: the most urgent one that waits starts first':
    'fifo：同一个键的请求按接受顺序逐个开始；priority：等待中最紧急的请求先开始',
  'with --flow-order priority: each level puts a request ahead by this time (default: 1m)':
    '与 --flow-order priority 一起使用：每一级使请求提前这段时间（默认：1m）',
  'how urgent the request is, from 0 (least) to 9 (most), while requests wait for a slot (default: 4)':
    '在等待名额的请求中的紧急程度：0 到 9，9 最紧急（默认：4）',
  'with --flow-order fifo: a failed attempt holds its key until its outcome, or others pass':
    '与 --flow-order fifo 一起使用：失败的执行保留其键直到得出结果（hold），或让后面的请求先执行（pass）',
  'the key among those of the flow of the function; without it, the flow finds the key in the event':
    '函数流控中的键；不填写则由流控从事件中获取',
  'only waiting for the flow of this function, or of this pool of functions': '只包括等待此函数或此函数池的流控的',
  'only waiting with this key of a flow': '只包括以此流控键等待的',
  'only waiting for a slot, a rate or a debounce of a flow, repeatable: slot, rate, debounce':
    '只包括等待流控的名额（slot）、速率（rate）或防抖（debounce）的，可重复',
  'only of this priority, from 0 to 9; a request without one has 4': '只包括此优先级（0 到 9）的；未指定优先级的请求为 4',
};
