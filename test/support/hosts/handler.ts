type Order = { id: number };

export const handler = async (order: Order): Promise<{ typed: number }> => ({ typed: order.id });
