/** A first text for the code of a new function. */
export type Template = { key: string; title: string; file: string; text: string };

/** The function logs what it receives, so that a destination shows the outcome that it was sent. */
const logEvent = `export const handler = async (event, context) => {
  console.log('received', JSON.stringify(event));
  return { received: true, attempt: context.attempt };
};
`;

const helloWorld = `export const handler = async (event, context) => {
  console.log('request', context.requestId);
  return \`hello \${event.name ?? 'world'}!\`;
};
`;

const typescript = `type Order = { id: number; items: { price: number; count: number }[] };

export const handler = async (order: Order) => {
  if (!Array.isArray(order.items)) throw new TypeError('the order has no items');
  const total = order.items.reduce((sum, { price, count }) => sum + price * count, 0);
  return { order: order.id, total };
};
`;

const callService = `// Set userData.URL in the configuration. A failure is retried as the asynchronous policy says.
export const handler = async (event, context) => {
  const response = await fetch(context.getUserData('URL'), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': context.requestId },
    body: JSON.stringify(event),
    signal: context.signal,
  });
  if (!response.ok) throw new Error(\`the service answered \${response.status}\`);
  return response.json();
};
`;

const commonJs = `// The form of FunctionGraph's own templates.
exports.initializer = (context, callback) => {
  callback(null, '');
};

exports.handler = async (event, context) => {
  return {
    statusCode: 200,
    headers: { 'Content-Type': 'application/json' },
    isBase64Encoded: false,
    body: JSON.stringify(event),
  };
};
`;

const python = `def handler(event, context):
    context.getLogger().info('attempt %s of %s', context.attempt, context.getRequestID())
    return {'hello': event.get('name', 'world')}
`;

export const templates: readonly Template[] = [
  { key: 'hello', title: 'Hello world', file: 'index.mjs', text: helloWorld },
  { key: 'log', title: 'Log the event (for a destination)', file: 'index.mjs', text: logEvent },
  { key: 'typescript', title: 'TypeScript', file: 'index.ts', text: typescript },
  { key: 'python', title: 'Python', file: 'index.py', text: python },
  { key: 'service', title: 'Call a service', file: 'index.mjs', text: callService },
  { key: 'commonjs', title: 'CommonJS, as in FunctionGraph', file: 'index.js', text: commonJs },
];
