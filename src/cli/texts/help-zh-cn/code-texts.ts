/** The texts of `sequent fn code` and `sequent fn set`. */
export const codeTexts = {
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
