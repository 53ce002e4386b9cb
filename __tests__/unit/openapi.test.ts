/** docs/openapi.json is up to date, and a response that it does not describe is detected. */
import { readFileSync } from 'node:fs'
import { file, openApiText } from '../../docs/generate/openapi'
import { answerFor, OUTCOMES, type Outcome } from '../../lib/answer/respond'
import { expectDocumented } from '../integration/documented'
import type { RawAnswer } from '../integration/raw-http'

const requestId = '3f0e2b1a-5b7d-4c7e-9a51-0d1c2e3f4a5b'
const HEADERS: Partial<Record<Outcome, Record<string, string>>> = {
  method_not_allowed: { Allow: 'GET, POST, PUT' },
}
const arrived = { probe: 'word', method: 'POST', path: '/', matched: true, headers: ['host'], bytes: 0 }

function answered(outcome: Outcome, more: { status?: number } = {}): RawAnswer {
  const result = { outcome, headers: HEADERS[outcome], ...(outcome === 'probe' && { arrived }), ...more }
  const { status, headers, body } = answerFor(result, requestId, 'final')
  const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
  return { status, headers: lower, text: body, json: JSON.parse(body), interim: [] }
}

// If this fails, run `npm run docs:openapi` and commit the document.
test('the document is what the JSON Schemas and the table of responses give', () => {
  expect(readFileSync(file, 'utf8') === openApiText()).toBe(true)
})

test.each(OUTCOMES)('%s is described', (outcome) => {
  expect(() => expectDocumented(answered(outcome), 'POST')).not.toThrow()
})

test('so is any 4xx that a callback chooses', () => {
  for (const status of [400, 401, 418, 499]) expectDocumented(answered('rejected', { status }), 'POST')
})

const busy = answered('in_progress')
test.each<[string, RawAnswer, string, string]>([
  ['a status', { ...busy, status: 500 }, 'POST', 'a status that is not described'],
  ['a media type', { ...busy, headers: { ...busy.headers, 'content-type': 'text/html' } }, 'POST', 'as text/html'],
  ['an absent header', { ...busy, headers: { ...busy.headers, 'retry-after': undefined! } }, 'POST', 'Retry-After'],
  ['an outcome of another status', { ...busy, json: { ...busy.json, code: 'delivered' } }, 'POST', 'enum'],
  ['a further field', { ...busy, json: { ...busy.json, stack: 'at' } }, 'POST', 'unevaluatedProperties'],
  ['an absent field', { ...busy, json: { ...busy.json, requestId: undefined } }, 'POST', 'required'],
  ['an outcome of bodies', answered('duplicate'), 'GET', 'enum'],
])('%s that is not described is noticed', (_what, answer, method, problem) => {
  expect(() => expectDocumented(answer, method)).toThrow(problem)
})
