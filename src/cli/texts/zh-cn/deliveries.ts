/** The commands about deliveries: dest. */
export const deliveries = {
  '{destination} is redriven': '已重新通知 {destination}',
  'the delivery to {destination} is dismissed': '已忽略对 {destination} 的通知',
  'the delivery to {destination} is given up': '已放弃通知 {destination}',
  'no circuit is open': '没有打开的熔断器',
  '{count} more circuit not listed: a process names at most 200': '另有 {count} 个熔断器未列出：每个进程最多列出 200 个',
  '{count} more circuits not listed: a process names at most 200': '另有 {count} 个熔断器未列出：每个进程最多列出 200 个',
  'no delivery was given up': '没有已放弃的通知',
  'no delivery of {id} is dead': '{id} 没有成为死信的通知',
  to: '目标',
  sends: '内容',
  again: '重新通知',
  'no function has a destination': '没有函数配置目标服务',
};
