/**
 * `npm run demo`: a simulated Tradecloud, the example server and a small ERP system, all on this machine. It sends
 * every kind of trigger, then shows failures and how a lost order is found. It exits with 0 only if everything worked.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { styleText } from 'node:util'
import {
  createTradecloudSimulator,
  order,
  orderDocumentsEvent,
  orderEvent,
  shipment,
  shipmentEvent,
  singleDeliveryOrderEvent,
  type Trigger,
  type TriggerReport,
} from 'tradecloud-webhook/testing'
import { showCatchUp } from './demo-catch-up'

const auth = { type: 'basic', username: 'tradecloud', password: 'demo:påssword' } as const

const { id: orderId } = order()
const { id: shipmentId } = shipment()
let version = 0
/** In the demo, each event is a further change of the same order or shipment. */
const next = (): { version: number } => ({ version: ++version })

/** An ERP system that accepts what the example server sends, except for the next `refusals` events. */
const erp = { refusals: 0, written: new Map<string, number>() }

async function startErp(): Promise<Server> {
  const server = createServer((req, res) => {
    const chunks: Buffer[] = []
    req
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('end', () => {
        const isDown = erp.refusals > 0
        if (isDown) erp.refusals--
        else {
          const { deliveryId } = JSON.parse(Buffer.concat(chunks).toString()) as { deliveryId: string }
          erp.written.set(deliveryId, (erp.written.get(deliveryId) ?? 0) + 1)
        }
        res.writeHead(isDown ? 503 : 204).end()
      })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return server
}

/** Starts an example server in a process of its own, and resolves with its URL. */
async function startExample(file: string, env: Record<string, string>): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', join(__dirname, file)], {
    env: { ...process.env, ...env, PORT: '0', HOST: '127.0.0.1' },
    stdio: ['ignore', 'pipe', process.env.DEBUG === undefined ? 'ignore' : 'inherit'],
  })
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /Listening on port (\d+)/.exec(line)?.[1]
    if (port !== undefined) return { child, url: `http://127.0.0.1:${port}/tradecloud` }
  }
  throw new Error('The example server did not start; set DEBUG=* to see why.')
}

interface Step {
  what: string
  trigger: Trigger
  /** Statuses of all responses, ending with the final one. `…` stands for repetitions of the status before it. */
  expect: string
  result: TriggerReport['result']
  /** True if the ERP system is down when the event arrives, and works again a little later. */
  erpIsDown?: boolean
}

function steps(url: string): Step[] {
  const send = (
    what: string,
    trigger: Omit<Trigger, 'auth'>,
    expect = '200',
    result: Step['result'] = 'delivered',
  ): Step => ({ what, trigger: { auth, ...trigger }, expect, result })
  const again = orderEvent(next())
  return [
    send('Order event', { url: `${url}/order`, event: orderEvent(next()) }),
    send('Order event, by PUT', { url: `${url}/order`, method: 'PUT', event: orderEvent(next()) }),
    send('Order event, single delivery', { url: `${url}/order`, event: singleDeliveryOrderEvent(next()) }),
    send('Order event, as tXML', { url: `${url}/order`, event: orderEvent(next()), format: 'txml' }),
    send('Order documents event', { url: `${url}/order`, event: orderDocumentsEvent(next()) }),
    send('Shipment event', { url: `${url}/shipment`, event: shipmentEvent(next()) }),
    send('Order ID in the path', { url: `${url}/order/{orderId}`, orderId }),
    send('Shipment ID in the path', { url: `${url}/shipment/{shipmentId}`, shipmentId }),
    send('Order ID in the query', { url: `${url}?orderId={orderId}`, orderId }),
    send('Shipment ID in the query', { url: `${url}?shipmentId={shipmentId}`, shipmentId }),
    send('An event of tomorrow', {
      url,
      event: { eventName: 'InvoiceIssuedBySupplier', invoice: { id: '1' }, meta: { messageId: '1' } },
    }),
    {
      ...send('The ERP system is down for a while', { url: `${url}/order`, event: orderEvent(next()) }, '503 … 200'),
      erpIsDown: true,
    },
    send('An event', { url: `${url}/order`, event: again }),
    send('  … and once more: a duplicate', { url: `${url}/order`, event: again }),
    send(
      'Wrong password',
      { url: `${url}/order`, event: orderEvent(next()), auth: { ...auth, password: 'wrong' } } as Trigger,
      '401',
      'given up',
    ),
    send('A body that is cut off', { url: `${url}/order`, event: '{"eventName": "OrderIss' }, '400', 'given up'),
    send('A body without an event', { url: `${url}/order`, event: { hello: 'world' } }, '400', 'given up'),
    send(
      'An order that the API does not know',
      { url: `${url}/order/{orderId}`, orderId: `${orderId}-unknown`, retry: { maxAttempts: 2 } },
      '503 503',
      'still retrying',
    ),
  ]
}

async function main(): Promise<boolean> {
  const tradecloud = await createTradecloudSimulator()
  const erpServer = await startErp()
  let child: ChildProcess | undefined
  try {
    const env = {
      ERP_URL: `http://127.0.0.1:${(erpServer.address() as AddressInfo).port}`,
      INSPECTOR_PASSWORD: 'demo',
      WEBHOOK_USERNAME: auth.username,
      WEBHOOK_PASSWORD: auth.password,
      TRADECLOUD_BASE_URL: tradecloud.baseUrl,
      TRADECLOUD_USERNAME: tradecloud.username,
      TRADECLOUD_PASSWORD: tradecloud.password,
    }
    const example = await startExample('server.ts', env)
    const { url } = example
    child = example.child
    console.log(`\nA simulated Tradecloud sends to the example server at ${url}`)
    console.log(
      `Its inspector, while the demo runs: ${new URL('/inspector/', url).href} (user inspector, password demo)`,
    )
    console.log('`npm run start:durable` has one that stays open, with an inbox.\n')
    printRow(['Tradecloud sends', 'answers', 'Tradecloud then', 'outcome'], 'bold')
    let good = true
    let deliveries = 0
    for (const step of steps(url)) {
      // The order and the shipment change before each trigger.
      tradecloud.api.setOrder(orderId, order(next()))
      tradecloud.api.setShipment(shipmentId, shipment(next()))
      const { asItMust, outcome } = await show(step, (trigger) => tradecloud.send(trigger))
      good &&= asItMust
      if (outcome === 'delivered') deliveries++
    }
    const hasCaughtUp = await showCatchUp({
      ...{ tradecloud, auth, written: () => erp.written.size },
      startExample: (file, more) => startExample(file, { ...env, ...more }),
      printRow: (cells, isGood) => printRow(cells, isGood ? 'green' : 'red'),
    })
    deliveries += 2
    const times = [...erp.written.values()]
    console.log(
      `\nDelivered: ${deliveries}. Written into the ERP system: ${times.length}, twice: ${times.filter((n) => n > 1).length}.`,
    )
    return good && hasCaughtUp && times.length === deliveries && times.every((n) => n === 1)
  } finally {
    child?.kill()
    erpServer.close()
    await tradecloud.close()
  }
}

/** Sends one trigger and prints its row. */
async function show(
  { what, trigger, expect, result, erpIsDown = false }: Step,
  send: (trigger: Trigger) => Promise<TriggerReport>,
): Promise<{ asItMust: boolean; outcome: string }> {
  erp.refusals = erpIsDown ? 2 : 0
  const report = await send(trigger)
  const statuses = report.attempts.map(({ status, error }) => String(status ?? error?.message))
  const retries = new Set(statuses.slice(0, -1))
  // The number of attempts while the ERP system was down varies, so the row shows only the first and the last response.
  const answers =
    erpIsDown && retries.size === 1 ? `${[...retries].join('')} … ${statuses.at(-1) ?? ''}` : statuses.join(' ')
  const asItMust = answers === expect && report.result === result
  const last = JSON.parse(report.attempts.at(-1)?.body ?? '{}') as { outcome?: string; code?: string }
  const outcome = last.outcome ?? last.code ?? ''
  const { result: became } = report
  const then = became === 'delivered' ? 'is done' : became === 'given up' ? 'gives up' : 'tries again'
  printRow([what, answers, then, outcome], asItMust ? (report.result === 'delivered' ? 'green' : 'yellow') : 'red')
  if (!asItMust) console.log(paint('red', `  expected ${expect} and ${result}`))
  return { asItMust, outcome }
}

type Style = 'bold' | 'green' | 'yellow' | 'red'

function paint(style: Style, text: string): string {
  return process.stdout.isTTY && process.stdout.hasColors() ? styleText(style, text) : text
}

function printRow([what = '', answers = '', then = '', outcome = '']: string[], style: Style): void {
  console.log(paint(style, `${what.padEnd(38)}${answers.padEnd(14)}${then.padEnd(18)}${outcome}`))
}

main().then(
  (good) => {
    console.log(
      good
        ? paint('green', '\nEverything worked as expected.\n')
        : paint('red', '\nSomething went wrong: see the red rows.\n'),
    )
    process.exitCode = good ? 0 : 1
  },
  (error: unknown) => {
    console.error(error)
    process.exitCode = 1
  },
)
