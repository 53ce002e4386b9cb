/**
 * Writes types.ts from the JSON Schemas next to it (`npm run types`). With `--check`, writes nothing and fails if the
 * committed file differs from the result.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { compile } from 'json-schema-to-typescript'

/** The schemas, in the order of their types in types.ts. */
const FILES = [
  'order',
  'single-delivery-order',
  'order-parts',
  'order-documents',
  'shipment',
  'common',
  'order-webhook-body',
  'shipment-webhook-body',
]

const HEADER = `/**
 * Types of what Tradecloud sends. Generated from the JSON Schemas in this folder by \`npm run types\`: do not edit.
 *
 * Rely only on \`eventName\` and the field that contains the event: any other field may be missing, \`null\` or empty.
 * In tolerant mode, a value can differ from its declared type (a quantity can arrive as a string); \`event.issues\` then
 * lists it. Unknown fields may be present, because Tradecloud may add fields, values and events at any time.
 */
`

function schemaOf(name) {
  return JSON.parse(readFileSync(new URL(`./${name}.schema.json`, import.meta.url), 'utf8'))
}

/**
 * References become type names. Otherwise the compiler would copy the target for each property, as Party1, Party2, …
 */
function typeName(ref) {
  const [path, name] = ref.split('#/definitions/')
  return name ?? schemaOf(path.replace('.schema.json', '')).title
}

function toTsType(schema) {
  if (schema.$ref) return `${typeName(schema.$ref)} | null`
  // An element of a list is never null, even if its definition allows it.
  if (schema.items?.$ref) return `${typeName(schema.items.$ref)}[] | null`
  if (schema.examples) return `${schema.examples.map((value) => `'${value}'`).join(' | ')} | (string & {}) | null`
  // A field without a documented shape is `unknown`; the compiler would make it an object.
  return schema.type ? undefined : 'unknown'
}

function forCompiler(definition) {
  const properties = Object.entries(definition.properties).map(([name, schema]) => {
    const tsType = toTsType(schema)
    const description = wrap(schema.description, 110)
    return [name, tsType ? { description, tsType } : { ...schema, description }]
  })
  return { type: 'object', description: wrap(definition.description, 112), properties: Object.fromEntries(properties) }
}

/** Wraps comments, because the formatter does not. */
function wrap(text, width) {
  if (text === undefined) return undefined
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1)
    if (line !== '' && line.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines.join('\n')
}

async function generate() {
  const options = {
    additionalProperties: false,
    bannerComment: '',
    style: { semi: false, singleQuote: true, printWidth: 120 },
  }
  const parts = []
  for (const file of FILES) {
    const { definitions = {}, ...root } = schemaOf(file)
    const named = [...(root.title ? [[root.title, root]] : []), ...Object.entries(definitions)]
    for (const [name, definition] of named) parts.push(await compile(forCompiler(definition), name, options))
  }
  const text = parts.join('\n').replace(/\/\*\*\n\s*\* (.*)\n\s*\*\//g, '/** $1 */')
  return `${HEADER}\n${text}`
}

const target = new URL('./types.ts', import.meta.url)
const generated = await generate()
if (!process.argv.includes('--check')) {
  writeFileSync(target, generated)
} else if (!existsSync(target) || readFileSync(target, 'utf8') !== generated) {
  console.error('lib/schema/types.ts is out of date: run `npm run types` and commit the result.')
  process.exitCode = 1
}
