/** The options of `sequent cancel --open`. */
export const cancelOptions = {
  'all open invocations that match': '全部匹配的未结束调用',
  'only of this function: with --open, or if several functions were invoked with the id':
    '只包括此函数：与 --open 一起，或多个函数使用过此 ID 时',
  'with --open: only in this state': '与 --open 一起：只包括此状态',
  'with --open: only accepted since then: 30m, 2h, 30d ago, or 2026-01-31T12:00:00Z':
    '与 --open 一起：只包括此后受理的：30m、2h、30d 之前，或 2026-01-31T12:00:00Z',
  'with --open: only accepted before then': '与 --open 一起：只包括此前受理的',
  'print what would change, and change nothing; with --open: only list the invocations':
    '输出将发生的变更，不作任何修改；与 --open 一起：只列出调用',
  'with --open: the maximum rate: 50/s, 100/m': '与 --open 一起：最大速率：50/s、100/m',
  'with --open: do not ask for a confirmation': '与 --open 一起：不要求确认',
};
