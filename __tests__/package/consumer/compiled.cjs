// Checks that no large dependency is loaded with the package, and that its compiled validators agree with ajv.
const assert = require('node:assert/strict')
const { dirname, join } = require('node:path')
const { createTradecloudWebhook, schemas } = require('tradecloud-webhook')

const webhook = createTradecloudWebhook({
  auth: { type: 'bearer', token: 'secret' },
  onOrder() {},
  logger: { warn() {}, error: console.error },
})
const heavy =
  /node_modules[\\/](ajv|ajv-formats|axios|jose|saxes|prom-client|@opentelemetry)[\\/]|dist[\\/](telemetry|inbox)[\\/]|dist[\\/]answer[\\/]telemetry\.js/
assert.deepEqual(
  Object.keys(require.cache).filter((file) => heavy.test(file)),
  [],
)
void webhook.close()
console.log('lean')

const { Ajv } = require('ajv')
const {
  order,
  orderDocumentsEvent,
  orderEvent,
  shipment,
  shipmentEvent,
  singleDeliveryOrderEvent,
} = require('tradecloud-webhook/testing')
const { validators } = require(join(dirname(require.resolve('tradecloud-webhook')), 'schema/validators.js'))
const ajv = new Ajv({ allowUnionTypes: true, schemas: Object.values(schemas) })

const ODD = [null, 1, 'x', true, [], {}, [null], [1], { a: 1 }, '2026-11-20', '', 1.5]

/** Yields the value itself, and then copies of it. In each copy, one field or list entry has an unusual value. */
function* variants(value) {
  yield value
  let n = 0
  function* places(at, path) {
    for (const [key, child] of Object.entries(at)) {
      yield [...path, key]
      if (typeof child === 'object' && child !== null) yield* places(child, [...path, key])
    }
  }
  for (const path of places(value, [])) {
    for (let i = 0; i < 3; i++) {
      const copy = structuredClone(value)
      let holder = copy
      for (const key of path.slice(0, -1)) holder = holder[key]
      holder[path.at(-1)] = ODD[n++ % ODD.length]
      yield copy
    }
  }
}

const samples = {
  orderWebhookBody: [orderEvent({ documents: 1 }), singleDeliveryOrderEvent({ documents: 1 }), orderDocumentsEvent()],
  shipmentWebhookBody: [shipmentEvent()],
  order: [order()],
  shipment: [shipment()],
}
let judged = 0
let wrong = 0
for (const [name, values] of Object.entries(samples)) {
  const expected = ajv.getSchema(schemas[name].$id)
  for (const value of values) {
    for (const variant of variants(value)) {
      const fits = expected(variant)
      assert.equal(validators[name](variant), fits)
      if (!fits) {
        const [told, meant] = [validators[name].errors[0], expected.errors[0]]
        for (const field of ['instancePath', 'keyword', 'message', 'params'])
          assert.deepEqual(told[field], meant[field])
        wrong++
      }
      judged++
    }
  }
}
console.log(`${judged} values judged alike, ${wrong} of them wrong`)
