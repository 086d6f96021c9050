/** The texts of `sequent project quota`. */
export const quotaTexts = {
  'set or show the quotas of a project': '设置或显示项目的配额',
  'Sets how much a project may send over HTTP: its open invocations, the requests per second that all gateways together accept, and what the log holds for it; and how much it may define. A request beyond a quota is refused before it is accepted (429), and a definition before it is stored (403). Without an option, the command shows the quotas.':
    '设置项目通过 HTTP 可以发送多少：未结束的调用数、所有网关合计每秒接受的请求数，以及日志为其保存的数据量；还设置项目可以定义多少内容。超出配额的请求在接受之前即被拒绝（429），定义在保存之前即被拒绝（403）。不带选项时显示配额。',
  'how many functions the project may define (default: 400)': '项目可以定义多少个函数（默认：400）',
  'how many schedules the project may define (default: 400)': '项目可以定义多少个定时计划（默认：400）',
  'how large its functions, versions, schedules and test events may be together (default: 16MB)':
    '其函数、版本、定时计划和测试事件合计最大多少（默认：16MB）',
  "how much memory its function processes may have together in one worker (default: half of the machine's)":
    '其函数进程在一个 worker 中合计可占用多少内存（默认：机器内存的一半）',
  'how large its code packages may be together (default: 10GB)': '其代码包合计最大多少（默认：10GB）',
  'how many executions of all functions together a worker runs at the same time (SEQUENT_WORKER_SLOTS; default: no limit)':
    'worker 同时进行的所有函数的执行总数（SEQUENT_WORKER_SLOTS；默认：不限）',
  'how much the log may hold for the project, with its large payloads': '日志最多为项目保存多少数据，包括大负载',
  'how large the share of the project in the slots of a worker is (default: 1)': '项目在 worker 名额中的份额（默认：1）',
  'how many invocations may be open: accepted, and not notified': '允许多少个未结束的调用：已接受且尚未完成通知',
  'how many requests are accepted per second': '每秒接受多少个请求',
  'how many requests are accepted at once after a pause (default: the rate)': '停顿之后一次最多接受多少个请求（默认：与速率相同）',
  'remove the quotas that no option of this command sets': '移除此命令的选项未设置的配额',
};
