/** A first text for the code of a new function. */
export type Template = { key: string; title: string; file: string; text: string; runtime?: string };

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

const custom = `#!/bin/sh
# A custom runtime in any language: polls for events, and posts results.
api="http://$RUNTIME_API_ADDR/v1/runtime/invocation"
while true; do
  event=$(curl -sS -D "$TMPDIR/headers" "$api/request") || exit 1
  id=$(tr -d '\\r' < "$TMPDIR/headers" | sed -n 's/^[Xx]-[Cc]ff-[Rr]equest-[Ii]d: //p')
  echo "request $id"
  curl -sS -o /dev/null -X POST "$api/response/$id" -d "{\\"received\\":$event}"
done
`;

const http = `#!/usr/bin/env python3
# A web server at port 8000, or at the port that PORT names. Each event is a request.
import os
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        event = self.rfile.read(int(self.headers['Content-Length']))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'received ' + event)


HTTPServer(('127.0.0.1', int(os.environ.get('PORT', 8000))), Handler).serve_forever()
`;

export const templates: readonly Template[] = [
  { key: 'hello', title: 'Hello world', file: 'index.mjs', text: helloWorld },
  { key: 'log', title: 'Log the event (for a destination)', file: 'index.mjs', text: logEvent },
  { key: 'typescript', title: 'TypeScript', file: 'index.ts', text: typescript },
  { key: 'python', title: 'Python', file: 'index.py', text: python },
  { key: 'custom', title: 'Custom runtime (shell)', file: 'bootstrap', text: custom, runtime: 'custom' },
  { key: 'http', title: 'HTTP function (Python)', file: 'bootstrap', text: http, runtime: 'http' },
  { key: 'service', title: 'Call a service', file: 'index.mjs', text: callService },
  { key: 'commonjs', title: 'CommonJS, as in FunctionGraph', file: 'index.js', text: commonJs },
];
