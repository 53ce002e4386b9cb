/**
 * A step of the build: replaces `dist/schema/validators.js` with code in which ajv has already compiled the schemas.
 * Otherwise, the first body would have to wait until ajv is loaded and has compiled them.
 */
import { transformSync } from 'esbuild'
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)
const { Ajv } = require('ajv')
const { default: standaloneCode } = require('ajv/dist/standalone')

const file = fileURLToPath(new URL('../../dist/schema/validators.js', import.meta.url))
const { ajvOptions, validators } = require(file)
const { schemas } = require('../../dist/schema')

const names = Object.fromEntries(Object.keys(validators).map((name) => [name, schemas[name].$id]))
const compiled = new Ajv({ ...ajvOptions, schemas: ajvOptions.schemas.map(withoutTexts), code: { source: true } })
const code = withoutSchemas(standaloneCode(compiled, names))
if (code.includes('require(')) throw new Error('The compiled validators are not self-contained.')
const { code: minified } = transformSync(code, { minify: true, target: 'node20' })
writeFileSync(file, `// Generated from the JSON Schemas.\n${minified}\nexports.validators = { ...exports }\n`)

/**
 * Removes the schemas from the compiled code. This makes the code a quarter smaller. Where the code reads a value from
 * a schema, the value becomes a literal. Errors no longer contain their location in the schema, because nothing reads
 * that.
 */
function withoutSchemas(code) {
  const constants = new Map()
  const body = code
    .replaceAll(/,schemaPath:"[^"]*"/g, '')
    .replaceAll(/const (schema\d+) = (\{.*?\});(?=const |function )/g, (_whole, name, text) => {
      constants.set(name, JSON.parse(text))
      return ''
    })
  return body.replaceAll(/\b(schema\d+)((?:\.\w+|\["[^"]*"\])+)/g, (_whole, name, path) => {
    const keys = [...path.matchAll(/\.(\w+)|\["([^"]*)"\]/g)].map(([, word, text]) => word ?? text)
    return JSON.stringify(keys.reduce((value, key) => value[key], constants.get(name)))
  })
}

/** Removes titles and descriptions, which validation does not need and which are a tenth of the compiled code. */
function withoutTexts(schema) {
  if (Array.isArray(schema)) return schema.map(withoutTexts)
  if (typeof schema !== 'object' || schema === null) return schema
  const entries = Object.entries(schema).filter(([key]) => !['title', 'description'].includes(key))
  return Object.fromEntries(
    entries.map(([key, value]) => {
      // In `properties` and `definitions`, the keys are names of fields or types, and a name may be `description`.
      if (key !== 'properties' && key !== 'definitions') return [key, withoutTexts(value)]
      return [key, Object.fromEntries(Object.entries(value).map(([name, field]) => [name, withoutTexts(field)]))]
    }),
  )
}
