/** The explanations, the reasons of waits and the judgement of canaries in simplified Chinese, by their English text. */
export const zhCn = {
  // What happened.
  'The machine refuses the fact "{type}" here, so the fact changed nothing.': '状态机在此处拒绝事实“{type}”，该事实没有产生变化。',
  'it is {state}, and the machine accepts no fact that leads it on; cancel it and request it again':
    '它处于 {state} 状态，状态机不接受任何使其继续的事实；请取消并重新请求',
  'It was accepted at {time} for {function}, {origin}.': '于 {time} 受理，函数 {function}，{origin}。',
  'It was delayed: its first attempt is due in {due}, at {time}.': '请求已延迟：首次执行在 {due} 后到期，时间为 {time}。',
  'as a redrive of {id}': '由 {id} 重新调用',
  'The batch {batch} of {function} was opened at {time}.': '{function} 的批次 {batch} 于 {time} 打开。',
  'Its members run failed members of the batch {batch} again.': '其成员重新调用批次 {batch} 中失败的成员。',
  'The batch was sealed, because its input had ended: no further member is awaited.': '输入已结束，批次已封闭：不再等待新成员。',
  'The batch was sealed by a person: no further member is awaited.': '批次由人封闭：不再等待新成员。',
  'The batch was cancelled: no further member is awaited, and none that is accepted later starts.':
    '批次已取消：不再等待新成员，此后受理的成员不会执行。',
  'The batch was sealed, because nobody had sealed it in time: no further member is awaited.':
    '无人及时封闭批次，因此自动封闭：不再等待新成员。',
  'All members were over, so the batch was completed: {counts}.': '所有成员均已结束，批次完成：{counts}。',
  'It is open until {time} at the latest: its sender, or "sequent batch seal {batch}", seals it.':
    '批次最晚到 {time} 保持打开：由发送方或 "sequent batch seal {batch}" 封闭。',
  'It waits until each of its members has an outcome: "sequent batch get {batch}" counts them.':
    '批次等待每个成员都有结果："sequent batch get {batch}" 显示计数。',
  'as a redrive of {id}, in the batch {batch}': '由 {id} 重新调用，属于批次 {batch}',
  'as a member of the batch {batch}': '作为批次 {batch} 的成员',
  'from a client': '来自客户端',
  'by the schedule {name}, for its fire time {time}': '由定时计划 {name} 为触发时间 {time} 发起',
  'because a person ran the schedule {name}': '由人工执行定时计划 {name} 发起',
  'as a destination of {parent}: hop {hop} of the chain of {root}': '作为 {parent} 的目标服务：{root} 调用链的第 {hop} 跳',
  'It waited {duration} for a worker; then attempt 1 started on {worker}.': '等待 worker {duration} 后，第 1 次执行在 {worker} 上开始。',
  'Attempt {number} started on {worker}, when it was due.': '第 {number} 次执行到期，在 {worker} 上开始。',
  'Attempt {number} started on {worker}, {duration} after it was due.': '第 {number} 次执行在到期 {duration} 后于 {worker} 上开始。',
  'Its terms are those of {revision} of the function: {retries}, {timeout} for each attempt, and no attempt later than {age} after acceptance, at {end}.':
    '适用函数{revision}的异步配置：{retries}，每次执行的超时时间为 {timeout}，消息最大有效期为 {age}，至 {end} 为止。',
  'Its terms are those of {revision} of the function: {retries}, {timeout} for each attempt, and no attempt later than {age} after it was due, at {end}.':
    '适用函数{revision}的异步配置：{retries}，每次执行的超时时间为 {timeout}，消息最大有效期自到期起为 {age}，至 {end} 为止。',
  'revision {revision}': '修订 {revision}',
  'revision {revision} in version {version}': '修订 {revision}（版本 {version}）',
  'no retry': '不重试',
  'at most 1 retry': '最多重试 1 次',
  'at most {count} retries': '最多重试 {count} 次',
  'neither retries nor destinations, because its caller waits for the first attempt (SYNC1)':
    '既不重试也不通知，因为调用方等待首次执行的结果（SYNC1）',
  '{deliverer} started try {try} of the delivery to {destination}.': '{deliverer} 开始第 {try} 次通知 {destination}。',
  'Try {try} of the delivery to {destination} failed: {reason}. The next try is due in {due}, at {time}.':
    '第 {try} 次通知 {destination} 失败：{reason}。下一次通知在 {due} 后到期，时间为 {time}。',
  'Try {try} of the delivery to {destination} after {duration} failed: {reason}. The next try is due in {due}, at {time}.':
    '第 {try} 次通知 {destination} 在 {duration} 后失败：{reason}。下一次通知在 {due} 后到期，时间为 {time}。',
  'Try {try} delivered the outcome to {destination}.': '第 {try} 次通知将执行结果送达 {destination}。',
  'The delivery to {destination} was given up: {reason}. The outcome does not change.':
    '对 {destination} 的通知已放弃：{reason}。执行结果不变。',
  'The delivery to {destination} was postponed without a try: {reason}. It is due again in {due}, at {time}.':
    '对 {destination} 的通知未尝试即被推迟：{reason}。将在 {due} 后再次到期，时间为 {time}。',
  'It waits to run together with the requests of the key "{key}" that follow within {wait}, for {max} at most.':
    '它等待与键“{key}”在 {wait} 内的后续请求一起执行，最多等待 {max}。',
  'It waits until no request of the key "{key}" has followed for {wait}, for {max} at most: only the newest one runs.':
    '它等待键“{key}”在 {wait} 内没有后续请求，最多等待 {max}：只执行最新的请求。',
  'It runs as a part of {leader}.': '它作为 {leader} 的一部分执行。',
  'The later request {leader} runs in its place.': '由之后的请求 {leader} 代替它执行。',
  'Its debounce ended at {time}: it runs alone.': '防抖于 {time} 结束：它单独执行。',
  'Its debounce ended at {time}: it runs with the events of {count} other requests.':
    '防抖于 {time} 结束：它与另外 {count} 个请求的事件一起执行。',
  'Its debounce ended at {time}: it runs in the place of {count} earlier requests.':
    '防抖于 {time} 结束：它代替之前的 {count} 个请求执行。',
  'It waits for the outcome of {leader}, of which it is a part.': '它是 {leader} 的一部分，正在等待其结果。',
  'It has waited for {duration} for the debounce of the key "{key}", which ends {wait} after the last request, and at {time} at the latest.':
    '它已为键“{key}”的防抖等待 {duration}；防抖在最后一个请求之后 {wait} 结束，最迟于 {time} 结束。',
  '{text} 1 request waits so far.': '{text}目前有 1 个请求在等待。',
  '{text} {count} requests wait so far.': '{text}目前有 {count} 个请求在等待。',
  'Its debounce does not end: {why}.': '它的防抖没有结束：{why}。',
  'It has the outcome of {id}, which ran with its event.': '它的结果即 {id} 的结果，后者携带它的事件执行。',
  'The next attempt waits for a slot of {pool}, with the key "{key}".': '下一次尝试正在等待 {pool} 的名额，键为“{key}”。',
  'The next attempt waits for the rate of {pool}, {limit} in {per}: none can start before {time}.':
    '下一次尝试正在等待 {pool} 的速率（每 {per} {limit} 次）：{time} 之前不能开始。',
  'The next attempt waits for the rate of {pool}, {limit} in {per} for the key "{key}": none can start before {time}.':
    '下一次尝试正在等待 {pool} 的速率（键“{key}”每 {per} {limit} 次）：{time} 之前不能开始。',
  '{limit} start in {per} over all workers, the next one at {time}': '所有 worker 合计每 {per} 开始 {limit} 次，下一次在 {time}',
  '{limit} start in {per} for the key "{key}", the next one at {time}': '键“{key}”每 {per} 开始 {limit} 次，下一次在 {time}',
  'It has waited for its rate for {duration}.': '它等待速率已有 {duration}。',
  'It has waited for its rate for {duration}: {why}.': '它等待速率已有 {duration}：{why}。',
  '{by} redrove the delivery to {destination}.': '{by} 重新通知 {destination}。',
  '{by} dismissed the dead delivery to {destination}: {note}': '{by} 忽略了对 {destination} 的死信：{note}',
  '{by} redrove it, as {redrive}.': '{by} 重新调用，新的调用为 {redrive}。',
  'It has no destinations: it is settled.': '没有目标服务：调用已完结。',
  'No destination gets the outcome: it is settled.': '没有目标服务收到执行结果：调用已完结。',
  'Every delivery is settled, so the invocation is settled.': '全部通知已完结，调用因此完结。',
  // What another policy would have changed.
  'the log does not hold its request': '事件日志没有该请求',
  'the end of its attempt is not recorded': '没有记录执行的结束',
  'no attempt is recorded yet': '尚未记录执行',
  'attempt {attempt} was not made, or its end is not recorded': '没有进行第 {attempt} 次执行，或没有记录其结束',
  'it would have waited longer, and the log does not show for what': '等待时间会更长，而事件日志没有显示等待的原因',
  // The differences of two states.
  'it was not accepted yet and is {is}': '原来尚未受理，现在是 {is}',
  'it was {was} and is not accepted yet': '原来是 {was}，现在尚未受理',
  'it was {was} and is {is}': '原来是 {was}，现在是 {is}',
  '{name} is now {is}': '{name} 现在是 {is}',
  '{name} has no value now; it was {was}': '{name} 现在没有值；原来是 {was}',
  '{name} went from {was} to {is}': '{name} 从 {was} 变为 {is}',
  // Failures and retries.
  'Attempt {attempt} failed in the code of the function after {duration}: {type}: {message}':
    '第 {attempt} 次执行在 {duration} 后因函数代码失败：{type}: {message}',
  'Attempt {attempt} was lost with its worker after {duration}: {type}: {message}':
    '第 {attempt} 次执行在 {duration} 后随 worker 失联：{type}: {message}',
  'Attempt {attempt} could not be run by the platform after {duration}: {type}: {message}':
    '平台在 {duration} 后未能进行第 {attempt} 次执行：{type}: {message}',
  'A failure of the code consumes a retry: {used} of {allowed}.': '函数代码失败消耗一次重试：已用 {used} 次，共 {allowed} 次。',
  'A lost worker consumes no retry; it is the loss {number} of at most {most}.':
    'worker 失联不消耗重试；这是第 {number} 次失联，最多 {most} 次。',
  'A failure of the platform consumes no retry; only the maximum age bounds such attempts.':
    '平台失败不消耗重试；此类执行只受消息最大有效期限制。',
  'Attempt {attempt} is due at once, at {time}: {why}.': '第 {attempt} 次执行立即到期，时间为 {time}：{why}。',
  'Attempt {attempt} is due in {due}, at {time}: {why}.': '第 {attempt} 次执行在 {due} 后到期，时间为 {time}：{why}。',
  'version 0.1 granted one attempt after the loss {number}': '0.1 版本在第 {number} 次失联后仍允许一次执行',
  'its terms allow no further attempt': '异步配置不允许再次执行',
  'another delay than the {duration} that the terms give': '间隔与异步配置给出的 {duration} 不同',
  'a lost attempt is repeated at once': '失联的执行立即重新进行',
  'the function asked for this delay': '函数要求了这一等待时间',
  'the function said that a further attempt cannot succeed (retryable: false)': '函数声明再次执行不会成功（retryable: false）',
  'the platform backs off, from half a second up to a minute': '平台退避，从半秒到一分钟',
  'no terms are recorded': '没有记录异步配置',
  'the delay of retry {retry}, of {first} times {factor} for each further one, at most {longest}':
    '第 {retry} 次重试的间隔，首次 {first}，之后每次乘以 {factor}，最长 {longest}',
  ', less up to {percent} % at random': '，随机减少至多 {percent}%',
  'Its maximum age allows attempts until {time}, {duration} from then.': '消息最大有效期允许执行到 {time}，还有 {duration}。',
  'That is too late: at {time} it reaches its maximum age and ends.': '为时已晚：{time} 达到消息最大有效期，调用随之结束。',
  // How it ended.
  'Attempt {attempt} succeeded after {duration}: no further attempt is made.': '第 {attempt} 次执行在 {duration} 后成功，不再执行。',
  'It returned {bytes} bytes, more than the maximum: the stored result is empty.': '返回值为 {bytes} 字节，超过上限，保存的返回值为空。',
  'It returned {bytes} bytes, which are stored beside the log: the envelope is empty.':
    '返回值为 {bytes} 字节，保存在事件日志之外，通知内容中为空。',
  'The outcome is to be delivered to {destinations}.': '执行结果将通知 {destinations}。',
  'The outcome is not sent to {destination}: when {when} does not hold.': '执行结果不通知 {destination}：条件 {when} 不成立。',
  'The outcome is not sent to {destination}: when {when} cannot be decided, because {why}.':
    '执行结果不通知 {destination}：条件 {when} 无法判定，原因是 {why}。',
  'It failed ({condition}): {why}.': '调用失败（{condition}）：{why}。',
  'It failed {tried} ({condition}): {why}.': '调用{tried}失败（{condition}）：{why}。',
  'before any attempt': '在执行之前',
  'after 1 attempt': '在 1 次执行后',
  'after {count} attempts': '在 {count} 次执行后',
  ' It was {duration} old.': '消息已存在 {duration}。',
  'The log says: {message}': '事件日志的记录：{message}',
  'its terms allowed another attempt, but the process that ended it made none': '异步配置允许再次执行，但结束它的进程没有执行',
  'a synchronous call has one attempt (SYNC1)': '同步调用只执行一次（SYNC1）',
  '{count} workers were lost with it, and no further attempt is made': '{count} 个 worker 随之失联，不再执行',
  'its terms allow no retry': '异步配置不允许重试',
  'its only retry is used': '唯一的一次重试已用完',
  'all of its {count} retries are used': '{count} 次重试已全部用完',
  'the function threw, exited, ran out of memory or out of time': '函数抛出异常、退出、内存不足或超时',
  'the request was older than the function allows before an attempt could start': '请求在开始执行之前超过了消息最大有效期',
  'no such function, version or alias': '函数、版本或别名不存在',
  'the request payload is larger than 262,144 bytes': '请求负载大于 262,144 字节',
  'the request payload is not JSON text': '请求负载不是 JSON 文本',
  'a header or the envelope of the request cannot be accepted': '请求的消息头或信封无法受理',
  'the chain of destinations that led here is too long': '到达此处的通知链过长',
  'the invocation was cancelled': '调用被取消',
  'the platform could not run the function': '平台无法执行函数',
  // What it waits for now, and what to do.
  'The log holds no accepted request of this id.': '事件日志中没有此 ID 的已受理请求。',
  'There is nothing to do.': '无需处理。',
  'To do: {remedy}': '处理方法：{remedy}',
  'Attempt {attempt} has run on {worker} for {duration}; it is stopped after {timeout}.':
    '第 {attempt} 次执行已在 {worker} 上运行 {duration}，超过 {timeout} 会被终止。',
  'To do: it is past its timeout. "sequent doctor" shows whether a scheduler runs, which detects that {worker} is lost and retries {id}.':
    '处理方法：执行已超时。"sequent doctor" 显示 scheduler 是否在运行；scheduler 会发现 {worker} 失联并重试 {id}。',
  'It has ended; the fact that every delivery is settled is not recorded yet.': '调用已结束，尚未记录“全部通知已完结”的事实。',
  '{destination} never received the outcome. To do: repair it, then "sequent dest dead redrive {id} --destination {destination}"; or "sequent dest dead dismiss {id}" with a note.':
    '{destination} 没有收到执行结果。处理方法：修复后运行 "sequent dest dead redrive {id} --destination {destination}"，或附上备注运行 "sequent dest dead dismiss {id}"。',
  'It was redriven: see "sequent explain {id}".': '已重新调用，见 "sequent explain {id}"。',
  'It is settled. There is nothing to do.': '调用已完结，无需处理。',
  'To do: repair the code of {name}, then "sequent redrive {id}".': '处理方法：修复 {name} 的代码，然后运行 "sequent redrive {id}"。',
  'To do: find what was slow or paused ("sequent doctor"), or give {name} a greater maximum age; then "sequent redrive {id}".':
    '处理方法：用 "sequent doctor" 查找缓慢或暂停的部分，或延长 {name} 的消息最大有效期，然后运行 "sequent redrive {id}"。',
  'To do: configure {name} ("sequent fn put"), then "sequent redrive {id}".':
    '处理方法：配置 {name}（"sequent fn put"），然后运行 "sequent redrive {id}"。',
  'To do: the client has to send a valid request; a redrive fails in the same way.':
    '处理方法：客户端需要发送有效的请求；重新调用会同样失败。',
  'To do: remove the loop of destinations; before that, a redrive loops again.':
    '处理方法：消除目标服务的循环调用；在此之前重新调用会再次循环。',
  'It was cancelled. If that was wrong: "sequent redrive {id}".': '调用被取消。如系误操作，运行 "sequent redrive {id}"。',
  'To do: find why the platform could not run it ("sequent doctor"), then "sequent redrive {id}".':
    '处理方法：用 "sequent doctor" 查明平台无法执行的原因，然后运行 "sequent redrive {id}"。',
  'It has waited for {duration}: {why}.': '已等待 {duration}：{why}。',
  'It waits until {time}: its first attempt is due in {duration}.': '等待至 {time}：首次执行在 {duration} 后到期。',
  'It has waited for a worker with a free slot for {duration}.': '已等待有空闲的 worker {duration}。',
  '"sequent fn get {function}" shows whether the function is paused; "sequent doctor" shows whether a worker runs':
    '"sequent fn get {function}" 显示函数是否已暂停；"sequent doctor" 显示 worker 是否在运行',
  'It waits for its next attempt: {why}.': '等待下一次执行：{why}。',
  'It waits for its next attempt, which is due in {duration}.': '等待下一次执行，{duration} 后到期。',
  'Attempt {attempt} runs': '第 {attempt} 次执行正在进行',
  'Its next attempt is due in {duration}': '下一次执行在 {duration} 后到期',
  'Its next attempt is overdue by {duration}': '下一次执行已逾期 {duration}',
  'at {time} it reaches its maximum age': '{time} 达到消息最大有效期',
  '{failing} {next}; {end}.': '{failing}{next}；{end}。',
  '{next}, because {why}; {end}.': '{next}，因为{why}；{end}。',
  '{next}; {end}.': '{next}；{end}。',
  '"sequent doctor" shows whether a scheduler and a worker run; "sequent tail" shows whether {id} makes progress':
    '"sequent doctor" 显示 scheduler 和 worker 是否在运行；"sequent tail" 显示 {id} 是否有进展',
  'no scheduler runs': '没有 scheduler 在运行',
  ', and no destinations role runs': '，且没有 destinations 角色在运行',
  'It waits for the delivery to {destination}{absent}.': '等待通知 {destination}{absent}。',
  'It waits for the delivery to {destination}: try {try} is due in {duration}{absent}.':
    '等待通知 {destination}：第 {try} 次通知在 {duration} 后到期{absent}。',
  'It waits for the delivery to {destination}: try {try} is overdue by {duration}{absent}.':
    '等待通知 {destination}：第 {try} 次通知已逾期 {duration}{absent}。',
  '{when} {why}': '{when}{why}',
  'The last try failed: {reason}': '上一次通知失败：{reason}',
  'It waits: {reason}': '等待原因：{reason}',
  'repair {destination}; {id} itself needs no action': '修复 {destination}；{id} 本身无需处理',
  // Why a queue waits.
  'there is no function {name}': '函数 {name} 不存在',
  '{name} is paused and starts no attempt': '{name} 已暂停，不会开始执行',
  'all slots of its workers are taken: they hold {count} requests, and each worker runs at most {concurrency} at the same time':
    '其 worker 的并发已满：共持有 {count} 个请求，每个 worker 最多同时执行 {concurrency} 个',
  'all {slots} slots of the workers are taken, and the functions of the projects get them in turn':
    'worker 的 {slots} 个名额已全部占用，各项目的函数轮流获得名额',
  'more workers, or more slots of each worker (sequent serve --worker-slots)':
    '增加 worker，或增加每个 worker 的名额（sequent serve --worker-slots）',
  'more workers, or a higher concurrency of {name} (sequent fn put, --concurrency)':
    '增加 worker，或提高 {name} 的并发数（sequent fn put，--concurrency）',
  'start your own worker: startWorker() of sequent/client': '启动您自己的 worker：sequent/client 的 startWorker()',
  'no worker runs': '没有 worker 在运行',
  'no running worker executes {name}': '没有正在运行的 worker 执行 {name}',
  // What the platform cannot run.
  'The platform could not run it, once since {time} ({duration}): {message}': '自 {time}（{duration}）以来平台有 1 次无法执行：{message}',
  'The platform could not run it, {times} times in a row since {time} ({duration}): {message}':
    '自 {time}（{duration}）以来平台连续 {times} 次无法执行：{message}',
  'restore the object store of the large payloads from a backup, or invoke it again: sequent invoke {name} -d @<file>':
    '从备份恢复大负载的对象存储，或重新调用：sequent invoke {name} -d @<file>',
  'start a responder on the subject {subject}': '在主题 {subject} 上启动应答程序',
  'start the endpoint {url}, or correct its address: sequent fn put {name} --url <url>':
    '启动 {url}，或更正其地址：sequent fn put {name} --url <url>',
  'put {file} where the worker finds it: sequent fn put {name} --file <file>':
    '把 {file} 放到 worker 能找到的位置：sequent fn put {name} --file <file>',
  '"sequent fn get {name}" shows what the platform has to reach': '"sequent fn get {name}" 显示平台需要访问的内容',
  '1 invocation': '1 次调用',
  '{count} invocations': '{count} 次调用',
  'at least {number}': '至少 {number}',
  'the platform cannot run {invocations}: up to {failures} failures of one since {time} ({duration}); {error}':
    '平台无法执行 {invocations}：自 {time}（{duration}）以来单次调用最多失败 {failures} 次；{error}',
  // Requests in plain text.
  '1 request': '1 个请求',
  '{count} requests': '{count} 个请求',
  '{requests} came in plain text although the project encrypts payloads, and ended without an attempt; the log holds the text (the last one {time}, {duration} ago)':
    '{requests}为明文，而项目要求加密负载，未执行即结束；事件日志中保存了明文（最近一次 {time}，{duration} 前）',
  'send requests over HTTP, or by clients with the keys; the janitor erases them, or at once: sequent purge --function {name} --plain-requests --before 0s':
    '通过 HTTP 或持有密钥的客户端发送请求；janitor 会擦除这些请求，也可立即执行：sequent purge --function {name} --plain-requests --before 0s',
  // The judgement of a canary.
  '{canary} is significantly worse than {main}: {numbers} ({test}, p {p})': '{canary} 显著差于 {main}：{numbers}（{test}，p {p}）',
  '{canary} is significantly better than {main}: {numbers} ({test}, p {p})': '{canary} 显著优于 {main}：{numbers}（{test}，p {p}）',
  '{canary} is not significantly different from {main}: {numbers} ({test}, p {p})':
    '{canary} 与 {main} 没有显著差异：{numbers}（{test}，p {p}）',
  '{one} of {canary} failed, {other} of {main}': '{canary} 失败 {one}，{main} 失败 {other}',
  '{one} of {canary} needed a retry, {other} of {main}': '{canary} 重试 {one}，{main} 重试 {other}',
  '{count} of {all}{share}': '{count}/{all}{share}',
  'mixture sequential probability ratio test': '混合序贯概率比检验',
  '{running} of {limit} run over all workers': '所有 worker 合计 {limit} 个名额中，{running} 个正在执行',
  '{running} of {limit} run for all keys together': '所有键合计 {limit} 个名额中，{running} 个正在执行',
  '{running} run for the key "{key}", and the flow was removed': '键“{key}”有 {running} 个正在执行，而流控已被移除',
  '{running} of {limit} run for the key "{key}"': '键“{key}”的 {limit} 个名额中，{running} 个正在执行',
  '{full}; 1 is before it': '{full}；前面还有 1 个',
  '{full}; {count} are before it': '{full}；前面还有 {count} 个',
  '{full}; 1 with a higher priority is before it': '{full}；前面有 1 个优先级更高',
  '{full}; {count} with a higher priority are before it': '{full}；前面有 {count} 个优先级更高',
  '{full}; {count} are before it, {urgent} of them with a higher priority': '{full}；前面还有 {count} 个，其中 {urgent} 个优先级更高',
  'It has waited for a slot for {duration}.': '它等待名额已有 {duration}。',
  'The next attempt waits for a slot of {pool}.': '下一次执行等待 {pool} 的名额。',
  'The next attempt waits for a slot of {pool}, with the priority {priority}.': '下一次执行等待 {pool} 的名额，优先级为 {priority}。',
  'It has waited for a slot of the key "{key}" for {duration}.': '它等待键“{key}”的名额已有 {duration}。',
  'It has waited for its turn for {duration}: {why}.': '它等待轮到自己已有 {duration}：{why}。',
  'it is the next one of the key "{key}", and earlier requests are still in the queue': '它是键“{key}”的下一个，而更早的请求仍在队列中',
  '1 of the key "{key}" is before it': '键“{key}”前面还有 1 个',
  '{count} of the key "{key}" are before it': '键“{key}”前面还有 {count} 个',
  '{text}, the first one is {id}': '{text}，第一个是 {id}',
  '{text}, the first one is {id}, which retries at {time}': '{text}，第一个是 {id}，将于 {time} 重试',
  'It has waited for a slot for {duration}: {why}.': '它等待名额已有 {duration}：{why}。',
  '{waiting} wait for the key "{key}" for up to {duration}, although none of it runs and slots are free':
    '{waiting} 个调用等待键“{key}”，最长已等待 {duration}，而该键没有执行，且有空闲名额',
  '{waiting} wait for the key "{key}" and {count} more for up to {duration}, although none of these runs and slots are free':
    '{waiting} 个调用等待键“{key}”及另外 {count} 个键，最长已等待 {duration}，而这些键没有执行，且有空闲名额',
  'its workers hold {count} requests, which run or wait for slots of their keys': '其 worker 持有 {count} 个请求，正在执行或等待其键的名额',
};
