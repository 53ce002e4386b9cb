/** Compares responses with docs/openapi.json: status, headers, media type and body of each must be described there. */
import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RawAnswer } from './raw-http'

interface Response {
  headers: Record<string, { $ref: string }>
  content: Record<string, object>
}

interface Components {
  headers: Record<string, { required?: boolean }>
  responses: Record<string, Response>
  schemas: Record<string, object>
}

let components: Components | undefined
let ajv: Ajv2020 | undefined
const validators = new Map<string, ValidateFunction>()

/** Reads the document once, when the first response is checked. */
function load(): Components {
  const file = join(__dirname, '../../docs/openapi.json')
  return (components ??= (JSON.parse(readFileSync(file, 'utf8')) as { components: Components }).components)
}

function validatorOf(path: string): ValidateFunction {
  if (!ajv) {
    ajv = new Ajv2020({ strict: false, formats: { uuid: /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/ } })
    const { headers, responses, schemas } = load()
    const { Taken, Probe, Problem, Issue } = schemas
    ajv.addSchema({ components: { headers, responses, schemas: { Taken, Probe, Problem, Issue } } }, 'openapi')
  }
  const validator = validators.get(path) ?? ajv.compile({ $ref: `openapi#/components/${path}` })
  validators.set(path, validator)
  return validator
}

/**
 * Throws if the response is not described for this method. `method` is `undefined` if the method is not known. Ignores
 * responses that Node itself sends to requests that it cannot parse, and responses that an app marks with `X-From`.
 */
export function expectDocumented(answer: RawAnswer, method: string | undefined): void {
  const { status, headers, text, json } = answer
  const ofNode = text === '' && Object.keys(headers).every((name) => name === 'connection')
  if (ofNode || headers['x-from'] !== undefined) return
  const known = load()
  const prefix = method === 'GET' ? 'Get' : 'Body'
  const name = [String(status), `${String(status)[0] ?? ''}XX`].find((one) => `${prefix}${one}` in known.responses)
  const fail = (problem: string): never => {
    throw new Error(`docs/openapi.json: ${method ?? 'a request'} was answered ${status} ${text}, ${problem}`)
  }
  if (name === undefined) return fail('a status that is not described')
  const response = known.responses[`${prefix}${name}`]!
  for (const header of Object.keys(response.headers)) {
    const value = headers[header.toLowerCase()]
    if (value === undefined && known.headers[header]!.required !== true) continue
    if (!validatorOf(`headers/${header}/schema`)(value)) fail(`with the header ${header}: ${String(value)}`)
  }
  const [type = ''] = Object.keys(response.content)
  if (headers['content-type'] !== type) fail(`as ${String(headers['content-type'])}`)
  if (method === 'HEAD') return
  const validate = validatorOf(`responses/${prefix}${name}/content/${type.replace('/', '~1')}/schema`)
  if (!validate(json)) fail(JSON.stringify(validate.errors))
}
