/** The options of the commands. */
export const options = {
  'the order of the rows (default: newest)': '行的顺序（默认：newest）',
  'only requests in plain text that a project with encrypted payloads refused': '只包括被加密负载的项目拒绝的明文请求',
  'a saved test event of the function (sequent fn event)': '函数已保存的测试事件（sequent fn event）',
  'the event: JSON text, @file, or - for stdin (a pipe is read without -)': '事件：JSON 文本、@文件，或 - 表示 stdin（管道无需 -）',
  'hide also what these regular expressions find, one a line, in output and failures before they are stored; off hides nothing (SEQUENT_REDACT)':
    '保存之前还会隐藏输出和失败信息中与这些正则表达式匹配的内容，每行一个；off 表示不隐藏（SEQUENT_REDACT）',
  'then print what attempts print, within a second, until Ctrl-C': '之后在一秒内输出各次执行打印的内容，直到按 Ctrl-C',
  'attempts that ended since then: 10m, 2h ago, or 2026-01-31T12:00:00Z (default: 1h)':
    '此后结束的执行：10m、2h 之前，或 2026-01-31T12:00:00Z（默认：1h）',
  'attempts that ended before then': '此前结束的执行',
  'only of attempts that failed': '只包括失败的执行',
  'at least of this level; a line without a level counts as info': '至少为此级别；没有级别的行视为 info',
  'only of this invocation': '只包括此调用',
  'the maximum number of earlier lines; the newest ones are printed': '之前的行的最大数量，输出最新的',
  'print the version': '输出版本',
  'the address of NATS (NATS_URL)': 'NATS 的地址（NATS_URL）',
  'a context of the nats command (NATS_CONTEXT)': 'nats 命令的 context（NATS_CONTEXT）',
  'the data folder; its running server is found automatically (SEQUENT_DATA, default: .sequent here or above)':
    '数据文件夹，会自动找到其正在运行的服务器（SEQUENT_DATA，默认：当前或上级文件夹中的 .sequent）',
  'the file with the nkey seed of the NATS user (NATS_NKEY)': 'NATS 用户的 nkey 种子文件（NATS_NKEY）',
  'the certificates of the authorities that sign the certificate of NATS (NATS_CA)': '为 NATS 证书签名的机构证书（NATS_CA）',
  'the certificate of this client (NATS_CERT)': '此客户端的证书（NATS_CERT）',
  'the key of this certificate (NATS_KEY)': '该证书的密钥（NATS_KEY）',
  'start TLS before the greeting of the server (NATS_TLS_FIRST)': '在服务器问候之前开始 TLS（NATS_TLS_FIRST）',
  'the JetStream domain with the streams of Sequent, as through a leaf node (NATS_JS_DOMAIN)':
    'Sequent 的流所在的 JetStream 域，例如经由 leaf node（NATS_JS_DOMAIN）',
  'the prefix of the subjects for replies (NATS_INBOX_PREFIX)': '应答主题的前缀（NATS_INBOX_PREFIX）',
  'the output format; in pull and golden record also the file or folder': '输出格式；在 pull 和 golden record 中也可以是文件或文件夹',
  'the same as -o json': '与 -o json 相同',
  'when to use colours': '何时使用颜色',
  'only this role: worker, scheduler, destinations, projection, janitor, gateway (repeatable; SEQUENT_ROLES)':
    '只运行此角色：worker、scheduler、destinations、projection、janitor、gateway（可重复；SEQUENT_ROLES）',
  'start a NATS server, when no other one is named': '没有指定其他 NATS 服务器时启动一个',
  'the first port for the started NATS server; any free port if it is taken, or for 0':
    '所启动 NATS 服务器的首选端口；被占用或为 0 时使用任意空闲端口',
  'off refuses clients of the started NATS server that have no key; on lets them invoke and hear results (SEQUENT_NATS_ANONYMOUS)':
    'off 拒绝没有密钥的客户端访问所启动的 NATS 服务器；on 允许其调用函数和接收结果（SEQUENT_NATS_ANONYMOUS）',
  'define the example functions where no function of the same name is': '定义示例函数，已有同名函数时除外',
  'how long an acknowledged message may wait for the disk: 100ms, always, default (SEQUENT_FSYNC)':
    '已确认的消息最多多久后写入磁盘：100ms、always、default（SEQUENT_FSYNC）',
  'the port for HTTP (SEQUENT_HTTP_PORT, default: 8080, or the next free port)':
    'HTTP 端口（SEQUENT_HTTP_PORT，默认：8080 或下一个空闲端口）',
  'the address for HTTP (SEQUENT_HTTP_HOST, default: 127.0.0.1)': 'HTTP 地址（SEQUENT_HTTP_HOST，默认：127.0.0.1）',
  'the origins of reverse proxies in front of the gateway, such as https://sequent.example (SEQUENT_HTTP_ORIGINS)':
    '网关前反向代理的来源，例如 https://sequent.example（SEQUENT_HTTP_ORIGINS）',
  'serve HTTPS with this certificate and its chain, in PEM (SEQUENT_HTTP_TLS_CERT)':
    '用此 PEM 证书及证书链提供 HTTPS（SEQUENT_HTTP_TLS_CERT）',
  'the key of this certificate (SEQUENT_HTTP_TLS_KEY)': '该证书的密钥（SEQUENT_HTTP_TLS_KEY）',
  'the authorities that sign the certificates of clients; such a certificate may be a credential (SEQUENT_HTTP_TLS_CLIENT_CA)':
    '为客户端证书签名的机构；此类证书可作为凭据（SEQUENT_HTTP_TLS_CLIENT_CA）',
  'require refuses clients without a certificate, except probes; request does not (SEQUENT_HTTP_TLS_CLIENT_AUTH, default: request)':
    'require 拒绝没有证书的客户端（探针除外）；request 不拒绝（SEQUENT_HTTP_TLS_CLIENT_AUTH，默认：request）',
  'serve /healthz and /readyz of this process on a port, or on an address such as 0.0.0.0:8081 (SEQUENT_PROBES)':
    '在端口或地址（例如 0.0.0.0:8081）上提供此进程的 /healthz 和 /readyz（SEQUENT_PROBES）',
  'the credentials of callers over HTTP, as JSON (SEQUENT_CREDENTIALS)': 'HTTP 调用方的凭据，JSON 格式（SEQUENT_CREDENTIALS）',
  'auto creates a token that every call over HTTP needs, and prints a sign-in link (SEQUENT_LOCAL_TOKEN, default: off)':
    'auto 创建每次 HTTP 调用所需的令牌，并输出登录链接（SEQUENT_LOCAL_TOKEN，默认：off）',
  'encrypt secret user data, and payloads of projects, at rest with these keys: lines of "<id> <32 bytes in base64>", the current one first (SEQUENT_ENCRYPTION_KEY)':
    '用这些密钥对加密环境变量和项目负载进行静态加密：每行为 "<id> <32 字节的 base64>"，当前密钥在前（SEQUENT_ENCRYPTION_KEY）',
  'the same by a command that prints the lines (SEQUENT_ENCRYPTION_COMMAND)': '同上，由一个命令输出这些行（SEQUENT_ENCRYPTION_COMMAND）',
  'the own project, whose functions have no prefix (SEQUENT_PROJECT, default: the first of the credentials)':
    '自己的项目，其函数没有前缀（SEQUENT_PROJECT，默认：凭据中的第一个）',
  'grant another project a subject: <project>=<subject> (repeatable; SEQUENT_SUBJECTS)':
    '允许另一个项目使用主题：<project>=<subject>（可重复；SEQUENT_SUBJECTS）',
  "grant another project a folder of the worker's machine: <project>=<folder> (repeatable; SEQUENT_FILES)":
    '允许另一个项目使用 worker 所在机器的文件夹：<project>=<folder>（可重复；SEQUENT_FILES）',
  'code of other projects on a machine that cannot isolate it: require, prefer, none (SEQUENT_ISOLATION, default: require)':
    '在无法隔离的机器上如何处理其他项目的代码：require、prefer、none（SEQUENT_ISOLATION，默认：require）',
  'the user ids of other projects, when started as root (SEQUENT_UIDS, default: 100000-165535)':
    '以 root 启动时其他项目的用户 ID（SEQUENT_UIDS，默认：100000-165535）',
  'let functions of a project start processes, where Node can refuse that (repeatable; SEQUENT_FUNCTION_PROCESSES)':
    '在 Node 可以禁止的情况下，允许项目的函数启动进程（可重复；SEQUENT_FUNCTION_PROCESSES）',
  'let the kernel limit functions where this process has its own cgroup: auto, off (SEQUENT_CGROUPS)':
    '进程有自己的 cgroup 时由内核限制函数：auto、off（SEQUENT_CGROUPS）',
  'give functions of a project the network (repeatable; SEQUENT_FUNCTION_NETWORK)':
    '允许项目的函数访问网络（可重复；SEQUENT_FUNCTION_NETWORK）',
  'private addresses for HTTP handlers of the own project: private (all), public (none), or hosts between commas (SEQUENT_HTTP_HANDLERS)':
    '自己项目的 HTTP handler 可用的私有地址：private（全部）、public（无），或以逗号分隔的主机（SEQUENT_HTTP_HANDLERS）',
  'how many servers of a cluster keep each message: 1, 3, 5 (SEQUENT_REPLICAS)':
    '集群中保存每条消息的服务器数量：1、3、5（SEQUENT_REPLICAS）',
  'the maximum sizes of JetStream streams, such as log=20GB,results=2GB (SEQUENT_STREAM_SIZES): log, results, code, payloads, dis, functions, state, flow, gateway, signatures, audit':
    'JetStream 流的最大容量，例如 log=20GB,results=2GB（SEQUENT_STREAM_SIZES）：log、results、code、payloads、dis、functions、state、flow、gateway、signatures、audit',
  'the storage of results for subscribers: file, memory (SEQUENT_RESULTS_STORAGE; default: memory with --fsync always, file otherwise)':
    '供订阅者使用的结果的存储：file、memory（SEQUENT_RESULTS_STORAGE；默认：--fsync always 时为 memory，否则为 file）',
  'how long results are kept for subscribers (SEQUENT_RESULTS_MAX_AGE_HOURS)':
    '供订阅者使用的结果保留多久（SEQUENT_RESULTS_MAX_AGE_HOURS）',
  'how long the audit log keeps its entries, or off (SEQUENT_AUDIT_RETENTION, default: 90d)':
    '审计日志的条目保留多久，或 off（SEQUENT_AUDIT_RETENTION，默认：90d）',
  'how long an execution may go unnoticed when its worker dies (SEQUENT_LEASE_MS)':
    'worker 异常退出后，执行最多多久不被发现（SEQUENT_LEASE_MS）',
  'how long the scheduler waits for other roles before it inspects a stream (SEQUENT_PATIENCE_MS)':
    'scheduler 检查一个流之前等待其他角色多久（SEQUENT_PATIENCE_MS）',
  "the offset of this machine's clock from the server's that is reported (SEQUENT_CLOCK_WARNING, default: 1s)":
    '本机时钟与服务器相差多少时报告（SEQUENT_CLOCK_WARNING，默认：1s）',
  'the offset from which this process takes no work, or off (SEQUENT_CLOCK_LIMIT, default: 24h)':
    '相差多少时此进程不接受任务，或 off（SEQUENT_CLOCK_LIMIT，默认：24h）',
  'how many destinations a chain may have before it is cut (SEQUENT_MAX_HOPS)': '通知链最多经过多少个目标服务后被切断（SEQUENT_MAX_HOPS）',
  'how many invocations one may start through destinations (SEQUENT_MAX_CHAIN)':
    '一次调用通过目标服务最多触发多少次调用（SEQUENT_MAX_CHAIN）',
  'only with this text in the reason': '仅原因中包含此文本的',
  'only their counts, by function, destination and reason, several between commas':
    '仅显示数量，按 function、destination、reason 分组，多个以逗号分隔',
  'what an empty payload of a request over NATS is: json for the event {}, or refuse (SEQUENT_EMPTY_PAYLOAD, default: json)':
    '通过 NATS 的请求负载为空时：json 视为事件 {}，refuse 拒绝（SEQUENT_EMPTY_PAYLOAD，默认：json）',
  'how long after an outcome its destinations are tried (SEQUENT_DELIVERY_AGE, default: 24h)':
    '产生执行结果后多久之内通知目标服务（SEQUENT_DELIVERY_AGE，默认：24h）',
  'the variant of errors in envelopes: documented, observed (SEQUENT_ENVELOPE)':
    '通知内容中错误的格式：documented、observed（SEQUENT_ENVELOPE）',
  'the named connections of the destinations (SEQUENT_CONNECTIONS)': '目标服务的命名连接（SEQUENT_CONNECTIONS）',
  'how long the log keeps finished invocations before it is archived, or off (SEQUENT_RETENTION, default: 7d)':
    '事件日志保留已结束的调用多久之后归档，或 off（SEQUENT_RETENTION，默认：7d）',
  'the maximum number of finished invocations in the log, or off (SEQUENT_RETENTION_INVOCATIONS, default: 1000000)':
    '事件日志中已结束调用的最大数量，或 off（SEQUENT_RETENTION_INVOCATIONS，默认：1000000）',
  'the archive of the log: a folder, or s3://bucket/prefix?endpoint=url (SEQUENT_ARCHIVE)':
    '事件日志的归档：文件夹，或 s3://bucket/prefix?endpoint=url（SEQUENT_ARCHIVE）',
  'how long read models keep finished invocations, or off (SEQUENT_HISTORY_RETENTION, default: off)':
    '读模型保留已结束的调用多久，或 off（SEQUENT_HISTORY_RETENTION，默认：off）',
  'sign the head of the log once a minute with this Ed25519 key (SEQUENT_SIGNING_KEY)':
    '每分钟用此 Ed25519 密钥为事件日志的头签名（SEQUENT_SIGNING_KEY）',
  'the same by a command: the text on stdin, the signature in base64 on stdout (SEQUENT_SIGNING_COMMAND)':
    '同上，由一个命令完成：文本来自 stdin，base64 签名输出到 stdout（SEQUENT_SIGNING_COMMAND）',
  'the credentials file for NATS (NATS_CREDS)': 'NATS 的凭据文件（NATS_CREDS）',
  'the NATS user or server for requests to responders of functions (SEQUENT_RESPONDERS_NATS_URL, default: as --server)':
    '向函数的应答程序发送请求所用的 NATS 用户或服务器（SEQUENT_RESPONDERS_NATS_URL，默认与 --server 相同）',
  'the credentials file for these requests (SEQUENT_RESPONDERS_NATS_CREDS, default: as --nats-creds)':
    '这些请求的凭据文件（SEQUENT_RESPONDERS_NATS_CREDS，默认与 --nats-creds 相同）',
  'the file with the nkey seed for these requests (SEQUENT_RESPONDERS_NATS_NKEY, default: as --nkey)':
    '这些请求的 nkey 种子文件（SEQUENT_RESPONDERS_NATS_NKEY，默认与 --nkey 相同）',
  'the level of the log on stderr, in JSON lines (SEQUENT_LOG_LEVEL, default: info, warn on a terminal)':
    'stderr 日志的级别，JSON 行（SEQUENT_LOG_LEVEL，默认：info，终端上为 warn）',
  'how long running attempts may take to finish after Ctrl-C': '按 Ctrl-C 后，执行中的调用最多还可运行多久',
  'remove the invocations and functions of earlier runs first': '先删除之前运行的调用和函数',
  'the first port for the NATS server; any free port if it is taken, or for 0': 'NATS 服务器的首选端口；被占用或为 0 时使用任意空闲端口',
  'the port for HTTP (default: 8080, or the next free port)': 'HTTP 端口（默认：8080 或下一个空闲端口）',
  'one invocation for each line of a file of JSON Lines, or - for stdin': 'JSON Lines 文件的每一行调用一次，或用 - 表示标准输入',
  'with --batch: line 7 gets the request id <prefix>-7, so that a repetition runs no line twice':
    '与 --batch 一起使用：第 7 行的请求 ID 为 <prefix>-7，重复运行时不会重复执行任何一行',
  'your own request id: two requests with one id are one invocation': '自己的请求 ID：相同请求 ID 的两个请求是同一次调用',
  'a version, or ! and an alias': '版本，或 ! 加别名',
  'start after this time at the earliest: 30s, 10m, 2h, 30d': '最早在此时长之后开始：30s、10m、2h、30d',
  'start at this time at the earliest: 2026-12-24T08:00:00Z': '最早在此时刻开始：2026-12-24T08:00:00Z',
  'wait for the outcome, and print the returned value': '等待执行结果，并输出返回值',
  'print every transition as it happens, then the outcome': '实时输出每次状态变化，然后输出执行结果',
  'how long --wait and --follow wait': '--wait 和 --follow 等待多久',
  'how long to wait for an outcome; 0 does not wait': '等待执行结果多久；0 表示不等待',
  'print the whole envelope that subscribers and destinations receive': '输出订阅者和目标服务收到的完整通知内容',
  'its function, if several functions were invoked with one id: also makes the search faster':
    '多个函数使用过同一请求 ID 时指定函数，也可加快搜索',
  'its function, if several functions were invoked with one id': '多个函数使用过同一请求 ID 时指定函数',
  'the attempt whose context is written (default: the last one)': '写出哪次执行的 context（默认：最后一次）',
  'the file, or - for stdout; -o <file> means the same (default: <id>.event.json)':
    '文件，或 - 表示 stdout；与 -o <file> 相同（默认：<id>.event.json）',
  'the file that sequent pull wrote, or - for stdin: event and context of a recorded attempt':
    'sequent pull 写出的文件，或 - 表示 stdin：已记录执行的事件和 context',
  'the event instead: JSON text, @file, or - for stdin': '改用此事件：JSON 文本、@文件，或 - 表示 stdin',
  'the number of the attempt (default: that of the file, or 1)': '执行的序号（默认：文件中的序号，或 1）',
  'the exported function (default: that of the file, or handler)': '导出的函数（默认：文件中的函数，或 handler）',
  'an exported function that runs first (default: that of the file)': '首先运行的导出函数（默认：文件中的函数）',
  'how long it may take (default: that of the file, or 30s; with a debugger without limit)':
    '最长时间（默认：文件中的时间，或 30s；使用调试器时不限）',
  'the memory limit (default: that of the file, or 256)': '内存上限（默认：文件中的上限，或 256）',
  'a value for context.getUserData(key), such as a secret (repeatable)': 'context.getUserData(key) 的值，例如密钥（可重复）',
  'let a debugger connect, as node --inspect does': '允许调试器连接，与 node --inspect 相同',
  'wait for a debugger before the handler is loaded, as node --inspect-brk does': '加载 handler 之前等待调试器，与 node --inspect-brk 相同',
  'only of this function': '只包括此函数',
  'only the destinations of this function': '只包括此函数的目标服务',
  'only in these states, repeatable: queued, running, retrying, succeeded, failed, notified':
    '只包括这些状态，可重复：queued、running、retrying、succeeded、failed、notified',
  'only failed for these reasons, repeatable: UnhandledInvocationError, EventAgeExceeded, FunctionNotFound, PayloadTooLarge, InvalidPayload, InvalidRequest, LoopDetected, InvocationCanceled, SystemError':
    '只包括因这些原因失败的，可重复：UnhandledInvocationError、EventAgeExceeded、FunctionNotFound、PayloadTooLarge、InvalidPayload、InvalidRequest、LoopDetected、InvocationCanceled、SystemError',
  'only accepted since then: 30m, 2h, 30d ago, or 2026-01-31T12:00:00Z': '只包括此后受理的：30m、2h、30d 之前，或 2026-01-31T12:00:00Z',
  'only accepted before then: a duration ago or a moment': '只包括此前受理的：多久之前，或某个时刻',
  'only waiting for an attempt that is due within 10m, 2h, 30d, or before 2026-01-31T12:00:00Z':
    '只包括等待执行、且在 10m、2h、30d 之内或在 2026-01-31T12:00:00Z 之前到期的',
  'only run by this version, also behind an alias': '只包括由此版本执行的，包括通过别名',
  'only for this version or !alias, as the request names it': '只包括请求中指定此版本或 !别名 的',
  "only of FunctionGraph's statuses, repeatable: WAIT, RUNNING, SUCCESS, FAIL, DISCARD":
    '只包括 FunctionGraph 的这些状态，可重复：WAIT、RUNNING、SUCCESS、FAIL、DISCARD',
  'only of the chain of this request': '只包括此请求的调用链',
  'only invocations that destinations of this invocation started': '只包括由此调用的目标服务触发的调用',
  'only redrives of this invocation': '只包括此调用的重新调用',
  'only with at least this many attempts': '执行次数至少为此值',
  'only with at most this many attempts': '执行次数至多为此值',
  'only if the time from acceptance to outcome is at least this long': '从受理到结束的耗时至少为此值',
  'only if that time is at most this long': '该耗时至多为此值',
  'only with all of these words in the payload, or all in the error; word* matches a prefix': '负载或错误中包含全部这些词；word* 匹配前缀',
  'the state at an earlier moment: a sequence of the log, a time, or a duration ago': '较早时刻的状态：事件日志的序号、时间，或多久之前',
  'the maximum number of rows': '最大行数',
  'continue after an earlier list': '从之前的列表继续',
  'all pages': '所有页',
  'print again after each interval, until Ctrl-C': '每隔一段时间再次输出，直到按 Ctrl-C',
  'the time between two prints of --watch': '--watch 两次输出的间隔',
  'in time buckets of this length, or a row for each version that ran': '按此长度的时间段统计，或每个执行过的版本一行',
  'only these transitions, repeatable: queued, deferred, debounce.closed, debounce.joined, running, retrying, succeeded, failed, delivery.started, delivery.failed, delivery.delivered, delivery.dead, delivery.postponed, delivery.redriven, delivery.dismissed, notified, redriven, batch.sealed':
    '只包括这些状态变化，可重复：queued、deferred、debounce.closed、debounce.joined、running、retrying、succeeded、failed、delivery.started、delivery.failed、delivery.delivered、delivery.dead、delivery.postponed、delivery.redriven、delivery.dismissed、notified、redriven、batch.sealed',
  'only failures for these reasons, repeatable: UnhandledInvocationError, EventAgeExceeded, FunctionNotFound, PayloadTooLarge, InvalidPayload, InvalidRequest, LoopDetected, InvocationCanceled, SystemError':
    '只包括因这些原因的失败，可重复：UnhandledInvocationError、EventAgeExceeded、FunctionNotFound、PayloadTooLarge、InvalidPayload、InvalidRequest、LoopDetected、InvocationCanceled、SystemError',
  'a sequence of the log (1 is the first), a duration ago (30m), a moment, or now':
    '事件日志的序号（1 为第一个）、多久之前（30m）、某个时刻，或 now',
  'keep the position under this name in JetStream: the next tail of that name continues there':
    '在 JetStream 中以此名称保存位置：同名的下一个 tail 从那里继续',
  'end after this many lines': '输出这么多行后结束',
  'also the open invocations that its destinations started': '包括由其目标服务触发的未结束的调用',
  'the reason that its timeline shows': '原因，显示在时间线中',
  'another event: JSON text, @file, or - for stdin': '另一个事件：JSON 文本、@文件，或 - 表示 stdin',
  'all failed invocations that have no redrive yet': '全部失败且尚未重新调用的调用',
  'only of this function: with --failed, or if several functions were invoked with the id':
    '只包括此函数：与 --failed 一起使用，或多个函数使用过同一请求 ID 时',
  'with --failed: only with this condition, such as UnhandledInvocationError':
    '与 --failed 一起：只包括此错误类别，例如 UnhandledInvocationError',
  'with --failed: only failed since then: 30m, 2h, 30d ago, or 2026-01-31T12:00:00Z':
    '与 --failed 一起：只包括此后失败的：30m、2h、30d 之前，或 2026-01-31T12:00:00Z',
  'only list the invocations': '只列出调用',
  'the maximum rate: 50/s, 100/m': '最大速率：50/s、100/m',
  'do not ask for a confirmation': '不要求确认',
  'only to this destination, such as http-0, or to all of a kind, such as http':
    '只包括此目标服务，例如 http-0，或某一类型的全部，例如 http',
  'why; the log keeps the note': '原因，事件日志会保留此备注',
  'only given up since then: 30m, 2h, 30d ago, or 2026-01-31T12:00:00Z': '只包括此后放弃的：30m、2h、30d 之前，或 2026-01-31T12:00:00Z',
  'only the delivery to this destination': '只包括对此目标服务的通知',
  'all dead deliveries': '全部死信',
  'only list the deliveries': '只列出通知',
  'run this JavaScript or TypeScript module: Sequent stores it with the files and packages that it imports':
    '运行此 JavaScript 或 TypeScript 模块：Sequent 保存它及其导入的文件和包',
  'run the code of this folder: Sequent stores it, and every worker and version gets it':
    '运行此文件夹的代码：Sequent 会保存，每个 worker 和版本都使用它',
  'run the code of this zip archive, like --folder': '运行此 ZIP 文件的代码，与 --folder 相同',
  'the exported function (default: handler); of a package with its file (default: index.handler)':
    '导出的函数（默认：handler）；代码包需带文件名（默认：index.handler）',
  'an exported function that runs once in each process': '在每个进程中运行一次的导出函数',
  'send the event as a request to a NATS responder on this subject': '把事件作为请求发送给此主题上的 NATS 应答程序',
  'POST the event to this address': '把事件 POST 到此地址',
  'your own worker runs the handler (startWorker of sequent/client)': '由您自己的 worker 运行 handler（sequent/client 的 startWorker）',
  'a description': '描述',
  'how long one attempt may take (default: 30s)': '一次执行的最长时间（默认：30s）',
  'the memory limit of one process (default: 256)': '一个进程的内存上限（默认：256）',
  'concurrent executions per worker (default: 20)': '每个 worker 同时执行的次数（默认：20）',
  'the largest event and returned value, at most 64MB (default: 256KB)': '事件和返回值的最大大小，不超过 64MB（默认：256KB）',
  'a value for context.getUserData(key) (repeatable)': 'context.getUserData(key) 的值（可重复）',
  'retries after a failure of the function (default: 0)': '函数失败后的最大重试次数（默认：0）',
  'how long after its acceptance an attempt may start (default: 1h)': '消息最大有效期：受理后多久之内可以开始执行（默认：1h）',
  'the wait before the first retry (default: 1s); it doubles from there': '首次重试之前的等待（默认：1s），之后每次加倍',
  'the longest wait before a retry (default: 1m)': '重试之前的最长等待（默认：1m）',
  'a destination for successes: FunctionGraph=<urn>, HTTP=<url>, JSON (repeatable)':
    '成功时通知的目标服务：FunctionGraph=<urn>、HTTP=<url>、JSON（可重复）',
  'a destination for failures (repeatable)': '失效时通知的目标服务（可重复）',
  'allow its destinations to form a loop, which is cut at run time': '允许目标服务形成循环，运行时会被切断',
  'only if this is still its revision; 0: only if it is new': '仅当修订号仍为此值时；0：仅当函数为新函数时',
  'a description of the changes': '修改说明',
  'send this share of the requests to another version; 0: none (repeatable)': '把这一比例的请求交给另一个版本；0：不交给（可重复）',
  'only this instance': '只包括此实例',
  'only after this sequence of the log': '只包括事件日志中此序号之后的',
  'also compare the replicas of the log: their messages, and the content of samples': '同时比较事件日志的副本：消息以及抽样内容',
  'the action that was taken': '所做的处理',
  'producer, consumer, history, operator, worker, scheduler, destinations, projection, janitor, gateway, responders (repeatable; all by default)':
    'producer、consumer、history、operator、worker、scheduler、destinations、projection、janitor、gateway、responders（可重复；默认全部）',
  'limit a producer, a consumer or a history user to this project; it may be the own one for a history user only':
    '把 producer、consumer 或 history 用户限制在此项目；只有 history 用户可以是自己的项目',
  'a nats-server configuration, or nsc commands': 'nats-server 配置，或 nsc 命令',
  'how long an acknowledged message may wait for the disk': '已确认的消息最多多久后写入磁盘',
  'the hosts of the servers of a cluster, between commas': '集群服务器的主机，以逗号分隔',
  'own: an account for clients; shared: one for all users': 'own：客户端有自己的账户；shared：共用一个账户',
  'from this sequence of the log on, without invocations that were accepted before': '从事件日志的此序号开始，不包括之前受理的调用',
  'the archive of the log: a folder, or s3://… (SEQUENT_ARCHIVE)': '事件日志的归档：文件夹，或 s3://…（SEQUENT_ARCHIVE）',
  'also prove that the log holds what these signed heads commit to, which a third party kept':
    '同时证明事件日志仍包含第三方保存的这些已签名头所承诺的内容',
  'the key of the signed heads: also compares the stored heads of this key': '已签名头的公钥：同时比较用此密钥签名的已保存的头',
  'verify this copy of an archive, without a server; needs --public-key': '校验归档的此副本，不需要服务器；需要 --public-key',
  'only of this project; of all projects by default': '只包括此项目；默认全部项目',
  'only since then: a duration ago (2h, 7d), or a moment': '只包括此后的：多久之前（2h、7d），或某个时刻',
  'only of this access key, token:…, anonymous, or nats:<role> that got the answer of a NATS service':
    '只包括此访问密钥、token:…、anonymous，或收到 NATS 服务应答的 nats:<role>',
  'only this action, such as function.put or invocation.read': '只包括此操作，例如 function.put 或 invocation.read',
  'the newest entries': '最新的条目',
  'also print later entries, until Ctrl-C': '同时输出之后的条目，直到按 Ctrl-C',
  'start the NATS server of the data folder for the restore, and stop it afterwards': '恢复时启动数据文件夹的 NATS 服务器，之后停止',
  'how many servers of a cluster keep each stream (default: as in the backup)': '集群中保存每个流的服务器数量（默认：与备份相同）',
  'encrypt no further payload; encrypted payloads stay encrypted and readable': '不再加密新的负载；已加密的负载保持加密且可读',
  'the file with the keys (SEQUENT_ENCRYPTION_KEY)': '密钥文件（SEQUENT_ENCRYPTION_KEY）',
  'a command that prints the keys instead (SEQUENT_ENCRYPTION_COMMAND)': '改由一个命令输出密钥（SEQUENT_ENCRYPTION_COMMAND）',
  'the reason, which is recorded': '原因，会被记录',
  'add a new master key as the first line of the file before': '先在文件第一行添加新的主密钥',
  'of this function': '此函数的',
  'accepted before this moment (2026-01-31T12:00:00Z), or before this duration ago (30d)':
    '在此时刻之前受理的（2026-01-31T12:00:00Z），或此时长之前（30d）',
  'the reason, which the log keeps': '原因，事件日志会保留',
  'only count what would be erased': '只统计将被擦除的数量',
  'how long to wait for the janitor': '等待 janitor 多久',
  'their function, if several functions were invoked with one id': '多个函数使用过同一请求 ID 时指定函数',
  'the folder; -o <folder> means the same': '文件夹；与 -o <folder> 相同',
  'files of function definitions, as "sequent fn get --json" prints them; their policies are checked':
    '函数定义的文件，由 "sequent fn get --json" 输出；检查其异步配置',
  'the number of retries': '重试次数',
  'no attempt starts later than this after acceptance': '受理后超过此时长不再开始执行',
  'another delay between attempts, such as 5s,2,10m': '执行之间的另一种间隔，例如 5s,2,10m',
  'list invocations too whose history decides nothing': '也列出历史无法决定结果的调用',
  'list every invocation': '列出每次调用',
};
