/** The flow of functions: slots over all workers. */
export const flow = {
  'Flow over all workers': '所有 worker 的流控',
  'At once over all workers': '所有 worker 合计并发数',
  '1 to 1,000 attempts, of each key if there is a key; empty for no limit': '1 到 1,000 次执行；设置键时按每个键；不填写则不限',
  Key: '键',
  'where the key is in the event, such as $.customer': '键在事件中的位置，例如 $.customer',
  'All keys together': '所有键合计',
  '1 to 1,000 attempts; empty for no limit': '1 到 1,000 次执行；不填写则不限',
  Pool: '池',
  'functions of the same pool share their slots': '同一个池的函数共享名额',
  Debounce: '防抖',
  'requests of a key run once, when none came for this time: 5s; empty for no debounce':
    '同一个键在此时间内没有后续请求时执行一次：5s；不填写则无防抖',
  'Longest debounce': '最长防抖',
  'after the first request; empty for ten times the debounce': '从第一个请求起；不填写则为防抖时间的 10 倍',
  'Debounce keeps': '防抖保留',
  'last: the newest request runs; all: one attempt gets the array of all events': 'last：执行最新的请求；all：一次执行得到全部事件的数组',
  'Order of requests': '请求顺序',
  'fifo: the requests of a key start one after another; priority: the most urgent one first; empty for no order':
    'fifo：同一个键的请求逐个开始；priority：最紧急的先开始；不填写则无顺序',
  Aging: '老化时间',
  'with priority: each level puts a request ahead by this time, 1s to 1d; empty for 1m':
    '与 priority 一起使用：每一级使请求提前这段时间，1s 到 1d；不填写则为 1m',
  'On a retry': '重试时',
  'hold: a failed attempt keeps its key; pass: the next request runs': 'hold：失败的执行保留其键；pass：下一个请求先执行',
  'Longest wait': '最长等待',
  Limit: '上限',
  run: '正在执行',

  'at once of each key': '每个键的并发数',
  '{limit} start in {duration}': '每 {duration} 开始 {limit} 次',
  '{limit} start in {duration} of each key': '每个键每 {duration} 开始 {limit} 次',
  Rate: '速率',
  'starts in a time, of each key if there is a key: 100/1s, 100/1m:20 with a burst of 20; empty for no rate':
    '一段时间内开始的执行数；设置键时按每个键：100/1s，100/1m:20（突发 20）；不填写则不限',
  'Functions of the pool': '池中的函数',
  'The keys with the most waits are shown.': '仅显示等待最多的键。',
  'no key': '无键',
  'The invocations that wait for this key': '等待此键的调用',
  'Waits for': '等待',
  '{pool}, with the key {key}': '{pool}，键为 {key}',
};
