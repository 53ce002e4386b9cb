// The bundled app: a server with a webhook for each lazily loaded part of the package.
import express from 'express'
import { createTradecloudWebhook } from 'tradecloud-webhook'
import { redisStore } from 'tradecloud-webhook/redis'
import { sqliteInbox } from 'tradecloud-webhook/sqlite'
import { createTradecloudSimulator, order } from 'tradecloud-webhook/testing'

const print = (value) => console.log(JSON.stringify(value))
const bearer = { type: 'bearer', token: 'secret' }
const onOrder = ({ eventName, orderId, completeness }) => print(`${eventName} ${orderId} ${completeness}`)
const logger = { warn() {}, error() {} }

const oauth = { type: 'oauth', issuer: 'https://issuer.example', jwksUri: 'http://127.0.0.1:9/', audience: 'webhook' }
const store = redisStore({ sendCommand: async (name, script, count, key, value) => value ?? 'done' })
// A format, and keywords that only some dialects of JSON Schema have.
const properties = { date: { type: 'string', format: 'date' } }
const dependentRequired = { date: ['version'] }
const pair = { prefixItems: [{ type: 'string' }] }
const dialect = (name) => `https://json-schema.org/draft/${name}/schema`

async function main() {
  const tradecloud = await createTradecloudSimulator()
  const fetched = order({ lines: 2 })
  tradecloud.api.setOrder(fetched.id, fetched)
  const { baseUrl, username, password } = tradecloud

  const webhooks = {
    plain: { validation: 'strict', allow: ['127.0.0.1'], trustProxy: 1 },
    api: { fetch: 'always', api: { baseUrl, username, password } },
    oauth: { auth: [bearer, oauth] },
    redis: { dedupe: { store } },
    inbox: { inbox: sqliteInbox({ file: 'inbox.db' }) },
    'draft-07': { schemas: { order: { properties, dependencies: dependentRequired } } },
    '2019-09': { schemas: { order: { $schema: dialect('2019-09'), properties, dependentRequired } } },
    '2020-12': { schemas: { order: { $schema: dialect('2020-12'), properties: { ...properties, pair } } } },
  }
  const app = express()
  for (const [name, options] of Object.entries(webhooks))
    app.use(`/${name}`, createTradecloudWebhook({ auth: bearer, onOrder, logger, ...options }))
  const server = app.listen(0, '127.0.0.1', () => print({ port: server.address().port, fetched: fetched.id }))
}

void main()
