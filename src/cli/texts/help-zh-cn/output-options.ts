/** The options of the whole output of attempts. */
export const outputOptions = {
  'how much of the output of each attempt is kept, at most 4MB (default: 4KB)': '每次执行保留的输出大小，不超过 4MB（默认：4KB）',
  'the whole output of each attempt, when the function keeps it (fn put --max-output)':
    '每次执行的完整输出（函数保留时，见 fn put --max-output）',
};
