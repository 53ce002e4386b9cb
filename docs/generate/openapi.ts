/**
 * The OpenAPI document of the endpoint, made from the JSON Schemas and the table of responses: `npm run docs:openapi`
 * writes it to docs/openapi.json, and a test fails when that file differs.
 */
import { writeFileSync } from 'node:fs'
import { STATUS_CODES } from 'node:http'
import { join } from 'node:path'
import { version } from '../../package.json'
import { OUTCOMES, TABLE, type Outcome } from '../../lib/answer/respond'
import { eventSchemas, ref, RESPONSE_SCHEMAS, text, type Json } from './openapi-schemas'

export const file = join(__dirname, '../openapi.json')

/** Outcomes that a GET trigger never has: its body is ignored, and it is never a duplicate. */
const OF_BODIES: readonly Outcome[] = [
  ...(['duplicate', 'quarantined', 'malformed_body', 'invalid_body'] as const),
  ...(['body_too_large', 'unsupported_media_type'] as const),
]
const OTHER_4XX = '4XX'

/** All statuses with which an outcome may be answered: its own, and 503 or another 4xx if `TABLE` allows it. */
function statusesOf(outcome: Outcome): string[] {
  const row = TABLE[outcome]
  const others = [row.refusal || row.mayPass ? ['503'] : [], row.mayDiffer ? [OTHER_4XX] : []].flat()
  return [String(row.status), ...others]
}

function outcomesByStatus(hasBody: boolean): Map<string, Outcome[]> {
  const outcomes = OUTCOMES.filter((outcome) => hasBody || !OF_BODIES.includes(outcome))
  const statuses = [...new Set(outcomes.flatMap(statusesOf))].sort()
  // In OpenAPI, the response `4XX` does not apply to a status with a response of its own. That response must therefore
  // include the outcomes of `4XX`.
  const isAt = (status: string, outcome: Outcome): boolean =>
    statusesOf(outcome).some((one) => one === status || (one === OTHER_4XX && status.startsWith('4')))
  return new Map(statuses.map((status) => [status, outcomes.filter((outcome) => isAt(status, outcome))]))
}

function responseOf(status: string, outcomes: readonly Outcome[]): Json {
  const lines = outcomes.map((outcome) => `- \`${outcome}\`: ${TABLE[outcome].detail}`)
  return {
    description: `${STATUS_CODES[status] ?? 'A status that the callback chose'}.\n\n${lines.join('\n')}`,
    headers: Object.fromEntries(headersOf(status).map((name) => [name, ref('headers', name)])),
    content: status.startsWith('2')
      ? { 'application/json': { schema: taken(outcomes) } }
      : { 'application/problem+json': { schema: problem(status, outcomes) } },
  }
}

function headersOf(status: string): string[] {
  const own: Record<string, string> = { 401: 'WWW-Authenticate', 405: 'Allow', 503: 'Retry-After' }
  return ['Cache-Control', own[status]].filter((name) => name !== undefined)
}

function taken(outcomes: readonly Outcome[]): Json {
  const events = outcomes.filter((outcome) => outcome !== 'probe')
  const schema = { allOf: [ref('schemas', 'Taken')], properties: { outcome: { enum: events } } }
  const closed = { ...schema, unevaluatedProperties: false }
  return events.length === outcomes.length ? closed : { oneOf: [closed, ref('schemas', 'Probe')] }
}

function problem(status: string, outcomes: readonly Outcome[]): Json {
  const own = { ...(status !== OTHER_4XX && { status: { const: Number(status) } }), code: { enum: outcomes } }
  return { allOf: [ref('schemas', 'Problem')], properties: own, unevaluatedProperties: false }
}

const KINDS = { order: 'An order', shipment: 'A shipment' } as const
type Kind = keyof typeof KINDS

const query = (kind: Kind): Json => ref('parameters', `${kind}Id`)

function getOf(path: string, operationId: string, kinds: readonly Kind[]): Json {
  const names = kinds.map((kind) => KINDS[kind].toLowerCase()).join(' or ')
  return {
    operationId,
    summary: `Tells that ${names} has changed`,
    description: 'A GET trigger: the order or shipment is fetched from the Tradecloud API.',
    ...(!path.includes('{') && { parameters: kinds.map(query) }),
    responses: responses('Get'),
  }
}

function bodyOf(path: string, method: string, operationId: string): Json {
  return {
    operationId,
    summary: `Sends an event (${method})`,
    description: 'The field that holds the event decides its kind, not the path.',
    // If the path contains an ID, a request without a body counts as a GET trigger.
    requestBody: ref('requestBodies', path.includes('{') ? 'EventOrNone' : 'Event'),
    responses: responses('Body'),
  }
}

function responses(prefix: 'Get' | 'Body'): Json {
  const statuses = [...outcomesByStatus(prefix === 'Body').keys()]
  return Object.fromEntries(statuses.map((status) => [status, ref('responses', `${prefix}${status}`)]))
}

function pathItem(path: string, name: string, kinds: readonly Kind[]): Json {
  const [, id] = /\{(\w+)\}/.exec(path) ?? []
  const description = 'May contain slashes: it is the rest of the path.'
  return {
    ...(id && { parameters: [{ name: id, in: 'path', required: true, schema: { type: 'string' }, description }] }),
    get: getOf(path, `get${name}`, kinds),
    post: bodyOf(path, 'POST', `post${name}`),
    put: bodyOf(path, 'PUT', `put${name}`),
  }
}

const JSON_BODY = {
  schema: { anyOf: [ref('schemas', 'OrderWebhookBody'), ref('schemas', 'ShipmentWebhookBody')] },
}
const XML_BODY = {
  schema: text(
    'tXML: a root element such as `WebhookBody` holds elements with the names of the JSON fields. The entries of a list may be named in the singular. See docs/txml.md.',
  ),
}
const BODY = {
  description: 'May be compressed with gzip, deflate or br. Any type that ends with `+json` is JSON too.',
  content: { 'application/json': JSON_BODY, 'application/xml': XML_BODY, 'text/xml': XML_BODY },
}

function header(description: string, schema: Json): Json {
  return { description, required: true, schema }
}

/** A header that is absent if a callback has chosen the status. */
function ownHeader(description: string, schema: Json): Json {
  return { description: `${description} Absent with \`rejected\`.`, schema }
}

export function openApi(): Json {
  const entries = (['Get', 'Body'] as const).flatMap((prefix) =>
    [...outcomesByStatus(prefix === 'Body')].map(([status, outcomes]) => [
      `${prefix}${status}`,
      responseOf(status, outcomes),
    ]),
  )
  return {
    openapi: '3.1.1',
    info: {
      title: 'Webhook for Tradecloud',
      version,
      summary: 'The endpoint that tradecloud-webhook serves.',
      description:
        'Tradecloud sends orders and shipments here. It gives an event up after 4xx, and sends it again after a status above 500. The paths are those of the option `paths` by default, below the path of the mount.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/tradecloud', description: 'Where the webhook is mounted.' }],
    security: [{ basic: [] }, { bearer: [] }],
    tags: [{ name: 'triggers', description: 'Requests of Tradecloud.' }],
    paths: withTags({
      '/': pathItem('/', 'Any', ['order', 'shipment']),
      '/order': pathItem('/order', 'Order', ['order']),
      '/order/{orderId}': pathItem('/order/{orderId}', 'OrderById', ['order']),
      '/shipment': pathItem('/shipment', 'Shipment', ['shipment']),
      '/shipment/{shipmentId}': pathItem('/shipment/{shipmentId}', 'ShipmentById', ['shipment']),
    }),
    components: {
      securitySchemes: {
        basic: { type: 'http', scheme: 'basic' },
        bearer: { type: 'http', scheme: 'bearer', description: 'A static token, or an access token of OAuth 2.0.' },
      },
      parameters: Object.fromEntries(
        (Object.keys(KINDS) as Kind[]).map((kind) => {
          const description = `${KINDS[kind]} that Tradecloud knows by this ID.`
          return [`${kind}Id`, { name: `${kind}Id`, in: 'query', schema: { type: 'string' }, description }]
        }),
      ),
      headers: {
        'Cache-Control': header('No cache may answer a trigger.', { const: 'no-store' }),
        'Retry-After': header('Seconds. Tradecloud schedules its retries itself.', {
          type: 'string',
          pattern: '^\\d+$',
        }),
        'WWW-Authenticate': ownHeader('Which credentials are accepted.', { type: 'string' }),
        Allow: ownHeader('Which methods are received.', { const: 'GET, POST, PUT' }),
      },
      requestBodies: { Event: { ...BODY, required: true }, EventOrNone: BODY },
      responses: Object.fromEntries(entries) as Json,
      schemas: { ...RESPONSE_SCHEMAS, ...eventSchemas() },
    },
  }
}

function withTags(paths: Record<string, Json>): Json {
  for (const item of Object.values(paths))
    for (const method of ['get', 'post', 'put']) Object.assign(item[method] as Json, { tags: ['triggers'] })
  return paths
}

export function openApiText(): string {
  return `${JSON.stringify(openApi(), null, 2)}\n`
}

if (require.main === module) writeFileSync(file, openApiText())
