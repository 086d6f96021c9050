import { partTexts } from './part-texts.ts';

/** The summaries and descriptions of the commands, and their arguments. */
export const commands = {
  // Summaries.
  'run the roles of Sequent, and optionally a NATS server': '运行 Sequent 的角色，可同时启动 NATS 服务器',
  'the variables by which programs in this shell connect': '当前 shell 中的程序连接所用的变量',
  'Prints NATS_URL and NATS_NKEY of the server that commands find here, as a shell reads them. Connects to nothing.':
    '以 shell 可读的形式输出此处命令找到的服务器的 NATS_URL 和 NATS_NKEY。不建立任何连接。',
  'run the functions of a folder while you write them': '编写函数时运行一个文件夹中的函数',
  'run a function asynchronously': '异步执行函数',
  'the result of an invocation': '一次调用的返回值',
  'write the request of an invocation to a file, for sequent run': '把一次调用的请求写入文件，供 sequent run 使用',
  'execute a handler file once in this terminal': '在此终端中执行一次 handler 文件',
  'list invocations by state, time, text and more': '按状态、时间、文本等列出调用',
  'show one invocation': '显示一次调用',
  'counts and times per function': '每个函数的次数和耗时',
  'draw the chain of an invocation': '画出一次调用的调用链',
  'draw attempts, waits and transitions of an invocation': '画出一次调用的执行、等待和状态变化',
  'the history of an invocation, in sentences': '用句子说明一次调用的历史',
  'changes of an invocation between two moments': '一次调用在两个时刻之间的变化',
  'transitions as they happen': '实时输出状态变化',
  'positions of durable subscribers of transitions: ls, rm': '状态变化的持久订阅者的位置：ls、rm',
  'list the cursors': '列出游标',
  'remove a cursor': '删除游标',
  'end an open invocation': '结束未完成的调用',
  'run invocations again, as new invocations': '作为新的调用重新执行',
  'destinations: dead targets and dead letters': '目标服务：不可用的目标和死信',
  'list targets whose circuit is not closed': '列出熔断器未闭合的目标',
  'list which outcome of which function goes where': '列出各函数的执行结果通知到哪里',
  'end deliveries that are still tried': '结束仍在进行的通知',
  'deliveries that were given up: ls, show, redrive, dismiss': '已放弃的通知：ls、show、redrive、dismiss',
  'list dead deliveries': '列出死信',
  'show the dead deliveries of one invocation': '显示一次调用的死信',
  'deliver again': '重新通知',
  'dismiss dead deliveries, with a note': '忽略死信，并附备注',
  'connections of the destinations: ls, reload, test': '目标服务的连接：ls、reload、test',
  'list the connections of each destinations role': '列出每个 destinations 角色的连接',
  'read the file of the connections again, now': '立即重新读取连接文件',
  'send a test envelope by a connection': '按一个连接发送测试通知',
  'functions: ls, get, put, set, code, rm, pause, resume, publish, versions, alias, deploy, export':
    '函数：ls、get、put、set、code、rm、pause、resume、publish、versions、alias',
  'list the functions': '列出函数',
  'show one function': '显示一个函数',
  'define or change a function': '定义或修改函数',
  'remove functions': '删除函数',
  'start no more attempts of a function': '不再开始函数的执行',
  'resume a paused function': '恢复已暂停的函数',
  'publish a version of a function': '发布函数版本',
  'list the versions of a function': '列出函数的版本',
  'aliases of versions: set, promote, rollback, ls, rm': '版本的别名：set、promote、rollback、ls、rm',
  'create or move an alias': '创建或移动别名',
  'send all requests to the canary': '把全部请求切换到灰度版本',
  'send all requests to the main version again': '把全部请求切回主版本',
  'list the aliases of a function': '列出函数的别名',
  'remove an alias': '删除别名',
  'the read model: status, check, rebuild, problems': '读模型：status、check、rebuild、problems',
  'how far behind the log each instance is': '每个实例落后事件日志多少',
  'compare every row with a newly built read model (exit code 1: they differ)': '把每一行与新建的读模型比较（退出码 1：不一致）',
  'build a new read model; the old one serves until the new one has caught up': '建立新的读模型；在追上之前由旧的提供服务',
  'entries of the log that could not be folded': '事件日志中无法处理的记录',
  'find problems and their remedies': '查找问题和处理方法',
  'messages that the log lost: ls, show, acknowledge': '事件日志丢失的消息：ls、show、acknowledge',
  'list the losses': '列出丢失',
  'show one loss, with the first affected invocations': '显示一次丢失及最先受影响的调用',
  'record that an operator has dealt with a loss': '记录运维人员已处理某次丢失',
  'the state machine as JSON': '以 JSON 输出状态机',
  'print the NATS permissions of each role': '输出每个角色的 NATS 权限',
  'write a NATS configuration with a key for each role': '写出 NATS 配置，每个角色一个密钥',
  'create the JetStream streams of Sequent': '创建 Sequent 的 JetStream 流',
  'verify the log: fold all of it and list violations': '校验事件日志：处理全部内容并列出违反规则之处',
  'who did what over HTTP and NATS services': '谁通过 HTTP 和 NATS 服务做了什么',
  'the archive of the log: ls, verify': '事件日志的归档：ls、verify',
  'list the segments, oldest first': '列出分段，最早的在前',
  'read and check every segment and their chain (exit code 1: damage was found)': '读取并检查每个分段及其链（退出码 1：发现损坏）',
  'save all streams to a folder, also while everything runs': '把全部流保存到文件夹，运行中也可以',
  'create the streams of a backup on a server without them': '在没有这些流的服务器上用备份创建流',
  'list the signed heads of the log': '列出事件日志的已签名头',
  'the key that signs the head of the log: create': '为事件日志的头签名的密钥：create',
  'create a key that signs the head of the log': '创建为事件日志的头签名的密钥',
  'quotas of a project, and encryption of its payloads: ls, quota, encrypt, erase': '项目的配额，以及负载的加密：ls、quota、encrypt、erase',
  'list the projects with settings': '列出有设置的项目',
  'encrypt the payloads of a project from now on': '此后加密项目的负载',
  'erase the payloads of a project by destroying its keys': '通过销毁密钥擦除项目的负载',
  'the keys of the encryption at rest: rotate': '静态加密的密钥：rotate',
  'use new data keys, and wrap all data keys with the current master key': '使用新的数据密钥，并用当前主密钥包装全部数据密钥',
  'erase finished invocations permanently': '永久擦除已结束的调用',
  'histories in files: record, check with another version or policy': '文件中的历史：记录，用其他版本或异步配置检查',
  'write the histories of invocations to a folder': '把调用的历史写入文件夹',
  'fold the histories of a folder again, without a server': '重新处理文件夹中的历史，不需要服务器',
  'outcomes under another policy': '其他异步配置下的结果',
  'show the help of a command, or "help options"': '显示命令的帮助，或 "help options"',
  'print the completion script of a shell': '输出 shell 的补全脚本',
  'what the attempts of a function printed, and why they failed': '函数各次执行的输出，以及失败的原因',
  'test events: put, ls, get, rm': '测试事件：put、ls、get、rm',
  'save a test event': '保存测试事件',
  'list the test events of a function': '列出函数的测试事件',
  'print a test event': '输出测试事件',
  'remove a test event': '删除测试事件',
  'bulk operations and their progress: ls, show, abort': '批量操作及其进度：ls、show、abort',
  'list the operations': '列出操作',
  'show one operation with its failures': '显示一个操作及其失败',
  'end an operation early': '提前结束操作',
  // Descriptions.
  'Bulk operations, started from the pages, over HTTP, or by sequent redrive --failed, cancel --open and purge: their progress, and how to end them.':
    '从页面、通过 HTTP 或由 sequent redrive --failed、cancel --open、purge 发起的批量操作：其进度，以及如何结束。',
  'Lists the bulk operations, the newest first. The last 200 ended ones are kept.': '列出批量操作，最新的在前。保留最近结束的 200 个。',
  'Shows the progress of a bulk operation, and the first 100 invocations that it could not change.':
    '显示批量操作的进度，以及最先未能变更的 100 次调用。',
  'Ends a bulk operation. What it has done stays. At most 50 further invocations are changed. A purge can be ended until the log has its erasure.':
    '结束批量操作。已完成的部分保留。最多还会变更 50 次调用。purge 可在事件日志写入擦除记录之前中止。',
  'Saved events with which people try a function. Everybody who may read the function sees them, also in the pages.':
    '用于试运行函数的已保存事件。可以读取该函数的人都能看到，包括在页面中。',
  'Saves an event by a name, or replaces the saved one.': '按名称保存事件，或替换已保存的事件。',
  'Lists the test events of a function.': '列出函数的测试事件。',
  'Prints a test event as it was saved.': '按保存时的内容输出测试事件。',
  'Removes a test event.': '删除测试事件。',
  'Prints what the attempts of a function printed, line by line, and why attempts failed, from the log.':
    '从事件日志逐行输出函数各次执行的输出，以及执行失败的原因。',
  'Asynchronous functions on NATS JetStream: durable, retried, every transition an event.':
    'NATS JetStream 上的异步函数：持久化、可重试，每次状态变化都是一个事件。',
  'Runs the roles of Sequent until Ctrl-C. With --start-server it also starts a NATS server on the data folder, unless NATS_URL names one.':
    '运行 Sequent 的各个角色，直到按 Ctrl-C。使用 --start-server 时还会在数据文件夹上启动 NATS 服务器，除非 NATS_URL 已指定。',
  'Runs Sequent with a NATS server of its own, and makes every file of the folder that exports a handler a function. A saved change is what the next attempt runs. Prints each attempt, and the stack of a failed one. Ctrl-C stops everything.':
    '用自带的 NATS 服务器运行 Sequent，并把文件夹中每个导出 handler 的文件作为函数。保存的修改从下一次执行起生效。输出每次执行，以及失败时的堆栈。按 Ctrl-C 全部停止。',
  'Requests an invocation. The request is stored when the command returns. Prints the request id, or with --wait the returned value.':
    '发起一次调用。命令返回时请求已保存。输出请求 ID；使用 --wait 时输出返回值。',
  'Prints the value that the function returned. Waits for the outcome of an open invocation.':
    '输出函数的返回值。调用未结束时会等待执行结果。',
  'Writes the request of an invocation to a file: the event, the headers, and the context of one attempt. sequent run executes the file. The values of secret user data are left out.':
    '把一次调用的请求写入文件：事件、消息头和一次执行的 context。sequent run 可执行该文件。不包含加密环境变量的值。',
  'Executes a handler file once, in a process of its own in this terminal, with an event or with the request that sequent pull wrote. Nothing is recorded, and no server is needed. Prints the returned value on stdout, and the output of the handler on stderr.':
    '在此终端的独立进程中执行一次 handler 文件，使用给定的事件或 sequent pull 写出的请求。不做记录，也不需要服务器。返回值输出到 stdout，handler 的输出写到 stderr。',
  'Lists invocations, the newest first or in another order, from the read model that the projection keeps.':
    '从 projection 维护的读模型列出调用，最新的在前。',
  'Shows one invocation with its payload, its response and its deliveries, from the read model.':
    '从读模型显示一次调用及其负载、返回值和通知。',
  'Counts invocations by state and condition, with percentiles of the time from acceptance to outcome, per function.':
    '按状态和错误类别统计每个函数的调用，以及从受理到结束的耗时百分位。',
  'Draws the invocations of a chain: those that destinations started, and redrives.': '画出一条调用链：由目标服务触发的调用和重新调用。',
  'Draws the attempts and waits of an invocation on one scale, then lists every transition with its reason.':
    '在同一刻度上画出一次调用的各次执行和等待，然后列出每次状态变化及原因。',
  'Explains the transitions of an invocation and their reasons, what it waits for now, and what to do.':
    '解释一次调用的状态变化及其原因、当前等待什么、应如何处理。',
  'Compares the states of an invocation at two moments: sequences of the log, or times.':
    '比较一次调用在两个时刻的状态：事件日志的序号，或时间。',
  'Prints one line per transition, from now on or from an earlier position of the log, until Ctrl-C.':
    '每次状态变化输出一行，从现在或事件日志的较早位置开始，直到按 Ctrl-C。',
  'The positions in the log that durable subscribers keep in JetStream (sequent tail --durable, client.transitions).':
    '持久订阅者在 JetStream 中保存的事件日志位置（sequent tail --durable、client.transitions）。',
  'Lists the cursors with their last sequence and the number of waiting messages.': '列出游标及其最后序号和等待的消息数。',
  'Removes a cursor. The next subscriber of that name starts again.': '删除游标。同名的下一个订阅者重新开始。',
  'Ends this invocation, or all open ones that match. A queued invocation never runs; the result of a running one is discarded. Other invocations continue.':
    '结束这一次调用，或全部匹配的未结束调用。排队的调用不再执行；执行中的调用结果会被丢弃。其他调用继续。',
  'Runs an ended invocation again as a new one, optionally with another event; or all failed invocations. Each names the other.':
    '把已结束的调用作为新的调用重新执行，可使用另一个事件；或重新执行全部失败的调用。两者相互关联。',
  'The deliveries of outcomes to destinations.': '把执行结果通知到目标服务。',
  'Lists the targets whose circuit is not closed, by function. Their deliveries wait in the log. A target that is not listed is tried.':
    '按函数列出熔断器未闭合的目标。对它们的通知在事件日志中等待。未列出的目标正常通知。',
  'Lists the destinations of all functions, with their versions and aliases, and the condition under which each gets the outcome.':
    '列出全部函数及其版本和别名的目标服务，以及每个目标服务收到执行结果的条件。',
  'Ends the open deliveries of an invocation, so that it is settled. The log keeps the note. A later redrive can still deliver the outcome.':
    '结束一次调用未完成的通知，使其完结。备注保存在事件日志中。之后仍可重新通知。',
  'The deliveries that were given up. The log keeps them until they are redriven, dismissed or purged.':
    '已放弃的通知。事件日志会保留它们，直到重新通知、忽略或擦除。',
  'Lists the deliveries that were given up, the oldest first.': '列出已放弃的通知，最早的在前。',
  'Shows the deliveries of an invocation that were given up: the target, every try with its reason, and the envelope.':
    '显示一次调用已放弃的通知：目标、每次通知及其原因，以及通知内容。',
  'Redrives deliveries that were given up: those of one invocation, or all that match. The function does not run again.':
    '重新进行已放弃的通知：一次调用的，或全部匹配的。函数不会再次执行。',
  'Dismisses deliveries that were given up: those of one invocation, or all that match. They are no dead letters any more; the log keeps the note, and a redrive still works.':
    '忽略已放弃的通知：一次调用的，或全部匹配的。它们不再是死信；备注保存在事件日志中，仍可重新通知。',
  'The named connections of the destinations: endpoints and credentials in the file of --connections. No secret is shown.':
    '目标服务的命名连接：--connections 文件中的地址和凭据。不显示密钥。',
  'Lists the connections that each destinations role uses now, with their file.': '列出每个 destinations 角色当前使用的连接及其文件。',
  'Reads the file again in each destinations role. A changed file is in use after two seconds also without this command.':
    '让每个 destinations 角色重新读取文件。不运行此命令，修改后的文件也会在两秒后生效。',
  'Sends a test envelope by a connection, as a delivery would, and says why it did not arrive.':
    '按一个连接发送测试通知，与真实通知相同，并说明未送达的原因。',
  'The definitions of functions, their versions and aliases.': '函数的定义、版本和别名。',
  'Lists the functions.': '列出函数。',
  'Shows one function. The JSON can be edited and stored again: sequent fn get hello --json | sequent fn put -':
    '显示一个函数。JSON 可编辑后重新保存：sequent fn get hello --json | sequent fn put -',
  'Defines a function, or changes the named fields and keeps all others: from flags, or from a JSON file that holds one definition or a list of them. A paused function stays paused.':
    '定义函数，或修改写明的字段并保留其他字段：用选项，或用包含一个或多个定义的 JSON 文件。已暂停的函数保持暂停。',
  'Removes functions with all versions and aliases, or single versions. Their queued invocations fail with the condition FunctionNotFound; finished ones stay. The command first names what depends on them.':
    '删除函数及其全部版本和别名，或只删除某个版本。排队的调用以错误类别 FunctionNotFound 失败；已结束的调用保留。删除前先列出依赖它们的对象。',
  'Starts no attempt of these functions until they are resumed, which stops a loop at once. Running attempts continue; queued invocations wait and age.':
    '在恢复之前不再开始这些函数的执行，循环会立即停止。执行中的继续，排队的等待且有效期继续计算。',
  'Resumes paused functions. Their queued invocations start.': '恢复已暂停的函数，排队的调用开始执行。',
  'The read models that answer history queries. Each instance has its own, and can rebuild it from the log.':
    '回答历史查询的读模型。每个实例有自己的读模型，可由事件日志重建。',
  'Lists messages of an unknown form, facts that the machine refuses, appends without a request, and gaps of the log.':
    '列出格式未知的消息、被状态机拒绝的事实、没有请求的写入，以及事件日志的缺口。',
  'Examines the server, the streams, the roles, the functions and the clocks.': '检查服务器、流、角色、函数和时钟。',
  'Losses of acknowledged messages, as after a power cut. A loss is a problem until an operator acknowledges it.':
    '已确认消息的丢失，例如掉电之后。在运维人员确认之前，丢失一直是问题。',
  'Lists the losses, acknowledged ones included.': '列出丢失，包括已确认的。',
  'Shows the bounds of a loss, who found it, and the invocations that a read model knew.':
    '显示一次丢失的范围、发现者，以及读模型知道的调用。',
  'Ends the alarm of a loss. The loss stays in the list, with the user of this machine and the time.':
    '结束一次丢失的告警。丢失仍保留在列表中，并记录本机用户和时间。',
  "Prints a machine's configuration as JSON, which opens in Stately's editor (https://stately.ai/editor, Import from code).":
    '以 JSON 输出状态机的配置，可在 Stately 编辑器中打开（https://stately.ai/editor，Import from code）。',
  'Prints the NATS users that the roles and clients of Sequent need, with the permissions of each. Needs no connection.':
    '输出 Sequent 的角色和客户端所需的 NATS 用户及其权限。不需要连接。',
  'Writes nats.conf for NATS servers with a user for each role and client, and the key of each user in a folder of its own. Existing keys stay. Needs no connection.':
    '为 NATS 服务器写出 nats.conf，每个角色和客户端一个用户，密钥各在自己的文件夹中。已有的密钥保留。不需要连接。',
  'Creates the streams and buckets on a NATS server, updates existing ones, and ends. The roles then need no permission to create streams.':
    '在 NATS 服务器上创建流和存储桶，更新已有的，然后结束。之后各角色不需要创建流的权限。',
  'Folds the whole log and its archive with the machine of this version, and lists every violation of a rule of Sequent.':
    '用此版本的状态机处理全部事件日志及归档，列出违反 Sequent 规则之处。',
  'Lists the calls that changed or read something over HTTP or a NATS service, the oldest first. Equal frequent calls of a minute are one line.':
    '列出通过 HTTP 或 NATS 服务修改或读取的调用，最早的在前。一分钟内相同的频繁调用合为一行。',
  'The archived part of the log, in segments that are chained by their hashes. The log is purged after it is archived.':
    '事件日志的归档部分，由哈希串联的分段组成。事件日志在归档之后清理。',
  'Saves the log, the functions with their code, the results and the state: a snapshot of each JetStream stream, which the server checks first. The archive and the files of keys are not part of the backup.':
    '保存事件日志、函数及其代码、结果和状态：每个 JetStream 流的快照，服务器会先检查。归档和密钥文件不包含在备份中。',
  'Creates the streams of a backup, with their sequences, times and consumers. Every role must be stopped. A stream that exists is never changed.':
    '用备份创建流，包括序号、时间和消费者。所有角色必须停止。已存在的流不会改变。',
  'Lists the signed heads of the log, the oldest first. Keep some of them elsewhere: "sequent verify --anchor" compares them.':
    '列出事件日志的已签名头，最早的在前。请在别处保存一些："sequent verify --anchor" 会与之比较。',
  'The Ed25519 key with which the projection signs the head of the log once a minute.':
    'projection 每分钟为事件日志的头签名所用的 Ed25519 密钥。',
  'Creates an Ed25519 key in a new file, and its public key in <file>.pub. Keep the file outside of the data folder; give the public key to those who verify.':
    '在新文件中创建 Ed25519 密钥，公钥写入 <file>.pub。文件请放在数据文件夹之外；公钥交给校验者。',
  'The quotas of a project, the encryption of its payloads, and the erasure of a project by its key.':
    '项目的配额、负载的加密，以及通过密钥销毁项目。',
  'Lists the projects that have quotas, or whose payloads are or were encrypted. The payloads of all other projects are stored as they are.':
    '列出有配额、或者负载已加密或曾加密的项目。其他项目的负载按原样保存。',
  'Encrypts request payloads, results, errors and output of the functions of a project from now on, in the log, the results, the read models and the archive. Start the gateway, the workers and the destinations role with the same keys first.':
    '此后加密项目函数的请求负载、返回值、错误和输出，包括事件日志、结果、读模型和归档。请先用相同的密钥启动网关、worker 和 destinations 角色。',
  'Destroys the data keys of a project, also that of secret user data. Nothing can read its encrypted payloads, results and secrets again, in no copy of the log, the archive and the read models. Its functions run no more until its payloads are encrypted again.':
    '销毁项目的数据密钥，包括加密环境变量的密钥。在事件日志、归档和读模型的任何副本中都无法再读取其加密的负载、返回值和密钥。重新加密负载之前，其函数不再执行。',
  'The keys of the encryption at rest.': '静态加密的密钥。',
  'Makes a new data key for each project that encrypts payloads, and wraps every data key with the first master key of the file. Earlier data keys stay, and open what they encrypted.':
    '为每个加密负载的项目生成新的数据密钥，并用文件中的第一个主密钥包装全部数据密钥。原有数据密钥保留，用于解密它们加密的内容。',
  'Erases the finished invocations of a function from the log, the archive, the results and the read models. The log keeps a record of the erasure, its user and its reason.':
    '从事件日志、归档、结果和读模型中擦除一个函数已结束的调用。事件日志保留擦除的记录、用户和原因。',
  'Histories of chosen invocations in files. A check folds them with the installed version and the present policies.':
    '保存在文件中的调用历史。检查时用已安装的版本和当前的异步配置处理它们。',
  'Writes the stream of each invocation, and its state, to a file of the folder. A file that exists is not changed.':
    '把每次调用的历史及其状态写入文件夹中的文件。已存在的文件不会改变。',
  'Folds each history with the installed version, and says what would come out differently.':
    '用已安装的版本处理每个历史，并说明结果会有哪些不同。',
  'Folds recorded histories under another policy. Each attempt keeps its recorded result, also at another time. Without a recorded attempt the result is "undecided".':
    '用另一个异步配置处理已记录的历史。每次执行保持记录的结果，即使时间不同。没有记录的执行，结果为 "undecided"。',
  'Shows the help of a command. "sequent help options" describes the options of every command.':
    '显示命令的帮助。"sequent help options" 说明所有命令共有的选项。',
  'Prints the completion script of a shell.': '输出 shell 的补全脚本。',
  // Arguments.
  'the id of the operation': '操作的 ID',
  'the name of the test event': '测试事件的名称',
  'the function': '函数',
  'only lines that contain this text, in upper or lower case': '只包括含有此文本的行，不区分大小写',
  'the folder with the handler files': 'handler 文件所在的文件夹',
  'the name, optionally with a version or an alias: orders:v1, orders:!prod; or with its package: billing:report':
    '函数名称，可带版本或别名：orders:v1、orders:!prod；也可带所属的包：billing:report',
  'the request id, or a sequence of the log: 40 or @40': '请求 ID，或事件日志的序号：40 或 @40',
  'the handler file': 'handler 文件',
  'the request id, or a sequence of the log: 40 or @40; of any invocation of the chain':
    '请求 ID，或事件日志的序号：40 或 @40；调用链中的任一调用',
  'a sequence, a time, or a duration ago': '序号、时间，或多久之前',
  'the later moment': '较晚的时刻',
  'the name of the cursor': '游标名称',
  'the request id': '请求 ID',
  'the name of the connection': '连接名称',
  'http: a URL; obs: a bucket; smn: a topic URN; dis: a stream': 'http：URL；obs：桶；smn：主题 URN；dis：通道',
  'the name; or a .json file; or - for JSON on stdin': '函数名称；或 .json 文件；或 - 表示 stdin 的 JSON',
  'the names of the functions, or name:version': '函数名称，或 名称:版本',
  'the names of the functions': '函数名称',
  'the name of the function': '函数名称',
  'the name of the version (default: the time, as v20260131-120000)': '版本名称（默认为时间，例如 v20260131-120000）',
  'its name': '名称',
  'the name of the alias': '别名名称',
  'the version of the alias': '别名的版本',
  'the version that gets all requests': '执行全部请求的版本',
  'the id of the loss': '丢失的 ID',
  'the id of the loss, or "all"': '丢失的 ID，或 "all"',
  'which machine': '哪个状态机',
  'the folder for nats.conf and the keys': '存放 nats.conf 和密钥的文件夹',
  'the folder; it must be empty, or not exist': '文件夹，必须为空或不存在',
  'the folder of sequent backup': 'sequent backup 的文件夹',
  'the new file': '新文件',
  'the project': '项目',
  'the request ids': '请求 ID',
  'the folder': '文件夹',
  'the command, or "options"': '命令，或 "options"',
  ...partTexts,
};
