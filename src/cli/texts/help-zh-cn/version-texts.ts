/** The help of the commands for versions and aliases, and of the debugger of `sequent dev`. */
export const versionTexts = {
  'Names for a version of a function, which can be moved to another version.': '函数版本的名称，可以指向其他版本。',
  'Creates an alias, or moves it to another version. New requests run that version; started invocations keep theirs. Weights, description and policy stay where no option names them.':
    '创建别名，或把它指向另一个版本。新的请求执行该版本；已开始的调用保持原版本。选项未写明的权重、描述和异步配置不变。',
  'Ends a canary with success: all new requests of the alias run the version that had a weight. Name it if several have one.':
    '灰度成功结束：别名的全部新请求执行原来有权重的版本。有多个时请指定版本。',
  'Ends a canary: all new requests of the alias run its main version, or the named one. Started invocations keep their version.':
    '灰度结束：别名的全部新请求执行主版本或指定版本。已开始的调用保持原版本。',
  'Lists the aliases of a function.': '列出函数的别名。',
  'Removes an alias. Its queued invocations fail with the condition FunctionNotFound.':
    '删除别名。排队的调用以错误类别 FunctionNotFound 失败。',
  'Publishes the current definition as a version, which later changes of the function do not affect. A version keeps the code that fn put stored (--file, --folder, --zip); of a subject or a URL it keeps the name only.':
    '把当前定义发布为一个版本，之后对函数的修改不影响它。版本保留 fn put 保存的代码（--file、--folder、--zip）；对 NATS 主题或 URL 只保留名称。',
  'Lists the versions of a function, newest first, and which aliases stand for them.': '列出函数的版本，最新的在前，以及指向它们的别名。',
  'a debugger for each function, from this port on (default: 9229); no time limit applies':
    '每个函数一个调试器，端口从此开始（默认：9229）；不限时',
  'write .vscode/launch.json, which starts dev and attaches to each function': '写入 .vscode/launch.json，用于启动 dev 并连接每个函数',
  'keep the version of the alias, and send this share of the requests to the named one': '别名的版本不变，把这一比例的请求交给指定的版本',
  'promote or roll back the canary without a person, when a test that is valid at every look decides':
    '无需人工，由每次查看都有效的检验决定提升或回退灰度版本',
  'with --auto: promote after this many ended invocations that make it no worse': '与 --auto 一起：灰度版本结束这么多次调用且未变差后提升',
};
