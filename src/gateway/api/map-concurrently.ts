const MAX_CONCURRENCY = 16;

/** Maps items with at most `maxConcurrency` calls in progress. The results have the order of the items. */
export async function mapConcurrently<Item, Value>(
  items: readonly Item[],
  map: (item: Item) => Promise<Value>,
  maxConcurrency = MAX_CONCURRENCY,
): Promise<Value[]> {
  const results: Value[] = [];
  let next = 0;
  const runs = Array.from({ length: Math.min(maxConcurrency, items.length) }, async () => {
    for (let index = next++; index < items.length; index = next++) results[index] = await map(items[index] as Item);
  });
  await Promise.all(runs);
  return results;
}
