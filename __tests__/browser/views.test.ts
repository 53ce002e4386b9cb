/** Each view and each button in a browser, with each of the two kinds of inbox, and without an inbox. */
import { readFileSync } from 'node:fs'
import type { Locator } from 'playwright-core'
import { RejectEvent } from 'tradecloud-webhook'
import { closeAll, eventually, openPage, startApp, whenLive, type App, type Mode, type Opened } from './rig'

afterAll(closeAll)

const order = (number: number): string => `company-PO-2026/${String(number).padStart(5, '0')}`
const body = JSON.stringify({
  eventName: 'OrderIssuedByBuyer',
  orderEvent: { orderId: order(13), lines: [{ id: '10' }] },
})
const samples = [
  ...Array.from({ length: 55 }, (_, i) => ({ id: order(100 + i), minutesAgo: 300 - i })),
  { id: order(13), body, state: 'dead', outcome: 'rejected', reason: 'the supplier is blocked', minutesAgo: 90 },
  { id: order(14), state: 'waiting', failures: 2, reason: 'the ERP is down', minutesAgo: 60 },
  { id: order(14), state: 'waiting', eventName: 'OrderLinesAcceptedBySupplier', minutesAgo: 30 },
  { id: order(15), state: 'quarantined', body: '{"eventName": "Order', reason: 'the body is not JSON' },
] as const
/** Indexes of certain events in `samples`, counted from its end. */
const dead = -4
const blocked = -3
const quarantined = -1

function expectTexts(elements: Locator, expected: unknown): Promise<void> {
  return eventually(async () => {
    const texts = await elements.allTextContents()
    expect(texts.map((text) => text.trim().replace(/\s+/g, ' '))).toEqual(expected)
  })
}

function expectCount(elements: Locator, expected: number): Promise<void> {
  return eventually(async () => expect(await elements.count()).toBe(expected))
}

const inboxes: Mode[] = ['SQLite', 'PostgreSQL']

describe.each(inboxes)('%s', (mode) => {
  let app: App
  let opened: Opened
  beforeAll(async () => {
    app = await startApp(mode, { samples })
    opened = await openPage()
  })
  afterEach(() => expect(opened.problems).toEqual([]))

  test('the list: counters, chart, table, search and pages', async () => {
    const { page } = opened
    await page.goto(app.url)
    await whenLive(page)
    await expectTexts(page.locator('.counters li'), [
      ...['2 waiting', '0 running', '55 delivered', '1 dead', '1 quarantined'],
    ])
    expect(await page.locator('.oldest').innerText()).toMatch(/^The oldest waiting event has waited for 1h, since /)
    expect(await page.getByRole('img').getAttribute('aria-label')).toBe(
      '55 delivered, 2 waiting, 1 quarantined, 1 dead',
    )
    await page.getByText('The figures as a table').click()
    await page.locator('.chart tbody tr').nth(1).waitFor()
    await expectCount(page.locator('.events tbody tr'), 50)
    await page.getByRole('link', { name: 'Older events' }).click()
    await expectCount(page.locator('.events tbody tr'), 9)
    await page.getByRole('link', { name: 'Newest events' }).click()
    await expectCount(page.locator('.events tbody tr'), 50)
    await page.getByLabel('Order, shipment or event ID').fill('PO-2026/00014')
    await page.getByRole('button', { name: 'Search' }).click()
    await expectTexts(page.locator('.events tbody th'), [order(14), order(14)])
    await page.locator('.events tbody td[data-label=Why]', { hasText: /^\s*behind [\da-f]{8}\s*$/ }).waitFor()
    await page.getByLabel('Order, shipment or event ID').fill(app.ids.at(dead)!.slice(0, 13))
    await page.getByRole('button', { name: 'Search' }).click()
    await expectTexts(page.locator('.events tbody th'), [order(13)])
    await page.getByRole('link', { name: 'Show all' }).click()
    await page.getByRole('link', { name: /quarantined/ }).click()
    await expectTexts(page.locator('.events tbody th'), [order(15)])
    await page.getByLabel('Event name').fill('Nothing')
    await page.getByRole('button', { name: 'Search' }).click()
    await page.locator('#events', { hasText: 'There are no such events.' }).waitFor()
  })

  test('an event: fields, history, body as a tree, download, other events', async () => {
    const { page } = opened
    await page.goto(`${app.url}?q=PO-2026/00013`)
    await page.getByRole('link', { name: order(13) }).click()
    await page.locator('h1', { hasText: order(13) }).waitFor()
    expect(await page.locator('dl').innerText()).toContain('the supplier is blocked')
    await expectTexts(page.locator('.history li'), [
      expect.stringMatching(/Z received$/),
      expect.stringMatching(/Z attempt of [\d,]+ ms: rejected, the supplier is blocked$/),
    ])
    await expectTexts(page.locator('.tree .key'), ['eventName', 'orderEvent', 'orderId', 'lines', 'id'])
    const sizes = page.locator('.tree .key').evaluateAll((all) => all.map((one) => getComputedStyle(one).fontSize))
    expect(new Set(await sizes).size).toBe(1)
    const downloading = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Download the body' }).click()
    const download = await downloading
    expect(download.suggestedFilename()).toBe(`event-${app.ids.at(dead)!}.json`)
    expect(readFileSync(await download.path(), 'utf8')).toBe(body)
    await page.goto(`${app.url}event/${app.ids.at(quarantined)!}`)
    expect((await page.locator('pre').innerText()).trim()).toBe('{"eventName": "Order')
    await page.goto(`${app.url}?q=PO-2026/00014`)
    await page.locator('.events a').last().click()
    await page.locator('#related .events tbody th', { hasText: order(14) }).waitFor()
  })

  test('replay, give up and purge, with the keyboard alone', async () => {
    const { page } = opened
    /** Moves the focus to the element with this text, and presses a key there. */
    const press = async (text: string, key = 'Enter'): Promise<void> => {
      for (let i = 0; i < 200; i++) {
        await page.keyboard.press('Tab')
        const focused = await page.evaluate(() => document.activeElement?.textContent.trim() ?? '')
        if (focused === text) return page.keyboard.press(key)
      }
      throw new Error(`The keyboard does not reach ${text}.`)
    }
    await page.goto(`${app.url}?state=dead`)
    await press(order(13))
    await page.waitForURL('**/event/*')
    await press('Replay')
    await page.getByText('The event was queued and is delivered again.').waitFor()
    await page.locator('#event .badge', { hasText: 'delivered' }).waitFor()
    expect((await app.inbox?.show(app.ids.at(dead)!))?.entry.state).toBe('delivered')

    await page.goto(`${app.url}event/${app.ids.at(blocked)!}`)
    await press('Give up…', 'Space')
    await page.keyboard.press('Tab')
    await page.keyboard.type('the order was cancelled')
    await page.keyboard.press('Enter')
    await page.getByText('The event was given up.').waitFor()
    expect((await app.inbox?.show(app.ids.at(blocked)!))?.entry).toMatchObject({
      state: 'dead',
      reason: 'the order was cancelled',
    })

    await page.goto(`${app.url}event/${app.ids.at(quarantined)!}`)
    await press('Purge…', 'Space')
    await press('Remove permanently')
    await page.getByText('The event was removed.').waitFor()
    expect(await app.inbox?.show(app.ids.at(quarantined)!)).toBeUndefined()
    expect(app.log.filter((line) => line.includes('Inspector: "operator"'))).toHaveLength(3)
  })

  test('a change that cannot be made any more says why, and the page stays', async () => {
    const { page } = opened
    await page.goto(`${app.url}event/${app.ids.at(0)!}`)
    await whenLive(page)
    await page.route('**/replay', (route) =>
      route.continue({ url: route.request().url().replace(app.ids.at(0)!, 'gone') }),
    )
    await page.getByRole('button', { name: 'Replay' }).click()
    await page.getByRole('alert').filter({ hasText: 'There is no such event.' }).waitFor()
    await page.unroute('**/replay')
  })

  test('a new event appears by itself, and what is open stays open', async () => {
    const { page } = opened
    await page.goto(app.url)
    await whenLive(page)
    await page.getByText('The figures as a table').click()
    await app.send({
      eventName: 'OrderIssuedByBuyer',
      orderEvent: { orderId: order(mode === 'SQLite' ? 700 : 701), lines: [] },
    })
    await page.locator('.events', { hasText: order(mode === 'SQLite' ? 700 : 701) }).waitFor()
    expect(await page.locator('.chart details').getAttribute('open')).not.toBeNull()
  })
})

describe('no inbox', () => {
  let app: App
  let opened: Opened
  beforeAll(async () => {
    const onOrder = (event: { orderId: string }): void => {
      if (event.orderId === order(13)) throw new RejectEvent('the supplier is blocked')
    }
    app = await startApp('no inbox', { webhook: { onOrder } })
    opened = await openPage()
  })
  afterEach(() => expect(opened.problems).toEqual([]))

  test('the list and an event: the requests of this process', async () => {
    const { page } = opened
    await page.goto(app.url)
    expect(await page.locator('#events').innerText()).toBe('There are no events yet.')
    await whenLive(page)
    for (const number of [12, 13, 12])
      await app.send({
        eventName: 'OrderIssuedByBuyer',
        orderEvent: { orderId: order(number), lines: [], meta: { messageId: `${number}` } },
      })
    await app.send('not JSON')
    await page.locator('.events', { hasText: 'malformed_body' }).waitFor()
    await expectTexts(
      page.locator('.counters li'),
      expect.arrayContaining(['1 delivered', '1 rejected', '1 duplicate', '1 malformed_body']),
    )
    await page.getByLabel('Order, shipment or event ID').fill('00013')
    await page.getByRole('button', { name: 'Search' }).click()
    await page.getByRole('link', { name: order(13) }).click()
    expect(await page.locator('dl').innerText()).toMatch(/Reason\s+the supplier is blocked\n/)
    expect(await page.locator('dl').innerText()).toContain('gives up')
    expect(await page.getByRole('button').count()).toBe(0)
    await page.goto(`${app.url}?q=00012`)
    await page.locator('.events a').first().click()
    await page.locator('#related .events tbody th', { hasText: order(12) }).waitFor()
  })
})
