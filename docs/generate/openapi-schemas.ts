/** The schemas of the OpenAPI document: of the responses, and of what Tradecloud sends. */
import { schemas } from '../../lib/schema'

export type Json = Record<string, unknown>

export const ref = (section: string, name: string): Json => ({ $ref: `#/components/${section}/${name}` })

export const text = (description: string, more: Json = {}): Json => ({ type: 'string', description, ...more })

export const RESPONSE_SCHEMAS = {
  Taken: {
    type: 'object',
    description: 'The event was accepted, or needs no processing.',
    required: ['outcome'],
    properties: {
      outcome: text('The outcome of the event.'),
      deliveryId: text('Identifies the delivery. The same in every retry of the event.'),
    },
  },
  Probe: {
    type: 'object',
    description:
      'What arrived of a request with the header `Tradecloud-Webhook-Probe`. Such a request is not an event.',
    required: ['outcome', 'probe', 'method', 'path', 'matched', 'headers', 'bytes'],
    properties: {
      outcome: { const: 'probe' },
      probe: text('Value of the header.'),
      method: text('Method that arrived.'),
      path: text('Path and query that arrived, with the mount path.'),
      matched: { type: 'boolean', description: 'Whether the path matches a pattern of the webhook.' },
      id: text('The order or shipment ID in the URL.'),
      problem: text('Why the URL contains no usable ID.'),
      headers: { type: 'array', items: { type: 'string' }, description: 'Names of the headers, in lower case.' },
      bytes: { type: ['integer', 'null'], description: 'Bytes of the body. `null`: the app has read it.' },
      readBefore: { const: true, description: 'The app read the body before it reached the webhook.' },
    },
    additionalProperties: false,
  },
  Problem: {
    type: 'object',
    description: 'Problem details of RFC 9457. `code` is the outcome.',
    required: ['title', 'status', 'detail', 'code', 'requestId'],
    properties: {
      title: text('The status in words.'),
      status: { type: 'integer', minimum: 400, maximum: 599, description: 'The HTTP status.' },
      detail: text('What is wrong with this request.'),
      code: text('The outcome: see docs/responses.md.'),
      requestId: text('Identifies the request in logs and delivery records.', { format: 'uuid' }),
      deliveryId: text('Identifies the delivery. The same in every retry of the event.'),
      issues: {
        type: 'array',
        items: ref('schemas', 'Issue'),
        description: 'Where the body deviates from its schema.',
      },
    },
  },
  Issue: {
    type: 'object',
    required: ['pointer', 'message'],
    properties: {
      pointer: text('JSON pointer into the body. Empty: the body itself.'),
      message: text('What is wrong there.'),
    },
    additionalProperties: false,
  },
}

/** What Tradecloud sends: each schema and each of its definitions under its own name. */
export function eventSchemas(): Json {
  const all = Object.values(schemas as unknown as Record<string, Json>)
  const titles = new Map(all.map(({ $id, title }) => [$id, title as string | undefined]))
  const named = all.flatMap((schema) => {
    const { $id, definitions = {}, ...root } = schema
    const withRefs = (value: unknown): unknown => withReferences(value, $id as string, titles)
    const parts = Object.entries(definitions as Json).map(([name, part]) => [name, withRefs(part)] as const)
    return root.title === undefined ? parts : [[root.title as string, withRefs(root)] as const, ...parts]
  })
  return Object.fromEntries(named)
}

function withReferences(value: unknown, $id: string, titles: Map<unknown, string | undefined>): unknown {
  if (Array.isArray(value)) return value.map((item) => withReferences(item, $id, titles))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== '$schema')
      .map(([key, inner]) => {
        if (key !== '$ref' || typeof inner !== 'string') return [key, withReferences(inner, $id, titles)]
        const [path, name] = inner.split('#/definitions/')
        const title = titles.get(new URL(path ?? '', `http://schemas/${$id}`).pathname.slice(1))
        return [key, `#/components/schemas/${name ?? title ?? ''}`]
      }),
  )
}
