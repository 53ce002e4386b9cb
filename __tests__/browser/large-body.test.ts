/** Events with a body of 60 MB: the page shows the beginning of the body, and the download contains all of it. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { closeAll, openPage, startApp, whenLive } from './rig'

afterAll(closeAll)

const LINE = { text: `<b>${'x'.repeat(980)}</b>` }
const order = (lines: unknown): string =>
  JSON.stringify({ eventName: 'OrderIssuedByBuyer', orderEvent: { orderId: 'PO-1', lines } })
const BODIES: Array<[string, string]> = [
  ['many lines', order(Array.from({ length: 60_000 }, () => LINE))],
  ['one text', order([{ text: 'x'.repeat(60e6) }])],
]

test('the page is short and can be used', async () => {
  const samples = BODIES.map(([id, body]) => ({ id, body, state: 'waiting' }) as const)
  const webhook = { deliver: false, onOrder: undefined, onShipment: undefined }
  const app = await startApp('SQLite', { samples, webhook })
  const { page, problems } = await openPage()
  for (const [at, [name, body]] of BODIES.entries()) {
    const response = await page.goto(`${app.url}event/${app.ids[at]!}`)
    expect((await response!.text()).length).toBeLessThan(2_000_000)
    await whenLive(page)
    expect(await page.evaluate(() => document.querySelectorAll('*').length)).toBeLessThan(10_000)
    await page.getByText('This is only the beginning').waitFor()
    const lines = page.locator('.tree summary', { hasText: 'lines' })
    const isOpen = () => lines.evaluate(({ parentElement }) => parentElement!.hasAttribute('open'))
    await lines.click()
    expect(await isOpen()).toBe(false)
    await lines.click()
    expect(await isOpen()).toBe(true)
    const downloading = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Download the body' }).click()
    const received = createHash('sha256')
    for await (const chunk of createReadStream(await (await downloading).path())) received.update(chunk as Buffer)
    expect([name, received.digest('hex')]).toEqual([name, createHash('sha256').update(body).digest('hex')])
  }
  expect(problems).toEqual([])
})
