/**
 * Starts a new simulator for each test. Used by tests of the requests that it sends, and by tests of the faults of its
 * API.
 */
import { createTradecloudSimulator, type TradecloudSimulator } from '../../lib/testing/simulator'
import { ask, bearer, login, type Ask } from './simulator-client'
import { startReceiver, type Receiver } from './simulator-receiver'

/** The simulator of the current test. */
export let tradecloud: TradecloudSimulator
/** The receiver of the simulator's requests. */
export let webhook: Receiver
/** An access token for the simulated API. */
export let access: string
export let refreshToken: string

/** For each test, starts a simulator with short retry delays, and a receiver. To be called once in a test file. */
export function senderForEach(): void {
  beforeEach(async () => {
    webhook = await startReceiver()
    tradecloud = await createTradecloudSimulator({ retry: { startMs: 2 } })
  })

  afterEach(async () => {
    await tradecloud.close()
    await webhook.stop()
  })
}

export const ORDER = { id: 'c-1', description: 'Flänge', lines: [{ id: 'c-1-0001' }] }

/** For each test, starts a simulator whose API knows an order, and logs in. To be called once in a test file. */
export function apiForEach(): void {
  beforeEach(async () => {
    tradecloud = await createTradecloudSimulator({ rateLimit: false })
    tradecloud.api.setOrder('c-1', ORDER)
    ;({ access, refresh: refreshToken } = await login(tradecloud))
  })

  afterEach(() => tradecloud.close())
}

export const getOrder = (more: Ask = {}) => ask(`${tradecloud.baseUrl}/order/c-1`, { headers: bearer(access), ...more })

export const lastRequest = () => tradecloud.api.requests.at(-1)

export async function expectHealthy(): Promise<void> {
  const answer = await getOrder()
  expect(answer.error).toBeUndefined()
  expect(JSON.parse(answer.text)).toEqual(ORDER)
}
