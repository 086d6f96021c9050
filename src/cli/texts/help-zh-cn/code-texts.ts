/** The texts of `sequent fn code` and `sequent fn set`. */
export const codeTexts = {
  'make a server have the functions and schedules of a folder': '使服务器具有文件夹中的函数和定时计划',
  'Changes functions, their versions and aliases, and schedules, to what sequent.json of the folder names, and keeps all else. Everything is checked before the first change. A function is stored as a whole; the same command continues a deployment that failed.':
    '按文件夹中的 sequent.json 修改函数及其版本和别名以及定时计划，其余保持不变。第一处变更之前先检查全部内容。一个函数整体保存；失败的部署用同一命令继续。',
  'a folder with sequent.json; sequent fn export writes one': '含有 sequent.json 的文件夹；sequent fn export 可写出一个',
  'as --dry-run; the exit code tells whether something would change': '同 --dry-run；退出码表示是否会有变更',
  'also remove functions, schedules and aliases that the folder does not name': '同时删除文件夹中没有写明的函数、定时计划和别名',
  'do not ask before --prune removes something': '--prune 删除之前不询问',
  'write the functions and schedules of a server to a folder, for fn deploy': '把服务器的函数和定时计划写入文件夹，供 fn deploy 使用',
  'Writes sequent.json, its JSON schema, and the stored code of functions and versions to a folder. A deployment of the folder to the same server changes nothing. Values of secrets, pauses and test events are not exported.':
    '把 sequent.json、其 JSON schema 以及函数和版本保存的代码写入文件夹。把该文件夹部署到同一服务器不会有任何变更。不导出机密的值、暂停状态和测试事件。',
  'an empty or a new folder': '空文件夹或新文件夹',
  'only these functions, and their schedules': '仅这些函数及其定时计划',
  'show or write the code of a version, or replace it: put': '显示或写出某个版本的代码，或替换代码：put',
  'replace the code of a function': '替换函数的代码',
  'Replaces the code of a function. Its pause and all its settings stay.': '替换函数的代码。暂停状态和所有设置不变。',
  'change settings of a function': '修改函数的设置',
  'Changes the named settings of a function. Its code, its pause and all other settings stay.':
    '修改命令中写明的函数设置。代码、暂停状态和其他设置不变。',
  'remove this field: flow, policy.onFailure, userData.KEY (repeatable)': '删除此字段：flow、policy.onFailure、userData.KEY（可重复）',
  'replace the whole definition: a field that is not named gets its default': '替换整个定义：未写明的字段恢复默认值',
  'print what would change, and change nothing': '输出将发生的变更，不作任何修改',
  'only if this is still its revision': '仅当修订号仍为此值时',
  'Prints the file that a function runs, as a version stored it, or writes all files of the version to a folder.':
    '输出函数执行的文件（以该版本保存的内容为准），或把该版本的全部文件写入一个文件夹。',
  'another file of the package; --json lists them': '代码包中的另一个文件；--json 列出全部文件',
  'write all files to this folder, which must be empty or new': '把全部文件写入此文件夹，文件夹必须为空或不存在',
};
