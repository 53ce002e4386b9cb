/** Lints docs/openapi.json with the rules that Redocly recommends: part of `npm run lint`. */
import { createConfig, lint } from '@redocly/openapi-core'
import { fileURLToPath } from 'node:url'

const ref = fileURLToPath(new URL('../openapi.json', import.meta.url))
const config = await createConfig({ extends: ['recommended-strict'] })
const problems = await lint({ ref, config })
for (const { ruleId, message, location } of problems)
  console.error(`docs/openapi.json ${location[0]?.pointer ?? ''}: ${message} (${ruleId})`)
if (problems.length > 0) process.exitCode = 1
