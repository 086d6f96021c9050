/** The texts of `sequent fn code`. */
export const codeTexts = {
  'show or write the code of a version': '显示或写出某个版本的代码',
  'Prints the file that a function runs, as a version stored it, or writes all files of the version to a folder.':
    '输出函数执行的文件（以该版本保存的内容为准），或把该版本的全部文件写入一个文件夹。',
  'another file of the package; --json lists them': '代码包中的另一个文件；--json 列出全部文件',
  'write all files to this folder, which must be empty or new': '把全部文件写入此文件夹，文件夹必须为空或不存在',
};
