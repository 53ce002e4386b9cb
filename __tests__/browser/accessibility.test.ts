/** axe-core reports no violation on any page, in light and dark mode. */
import axe from 'axe-core'
import { orderEvent } from 'tradecloud-webhook/testing'
import { samplesOfADay } from './samples'
import { closeAll, openPage, startApp, whenLive, type App } from './rig'

let app: App
let withoutInbox: App
beforeAll(async () => {
  app = await startApp('SQLite', {
    samples: [
      ...samplesOfADay().filter(({ state = 'delivered' }) => state !== 'delivered'),
      ...samplesOfADay().slice(-5),
    ],
    webhook: { deliver: false, onOrder: undefined, onShipment: undefined },
  })
  withoutInbox = await startApp('no inbox')
  await withoutInbox.send(orderEvent())
  await withoutInbox.send('not JSON')
})
afterAll(closeAll)

test.each(['light', 'dark'] as const)('%s', async (colorScheme) => {
  const { page } = await openPage({ colorScheme })
  const dead = (await app.inbox!.list({ state: 'dead' })).entries[0]!.id
  const waiting = app.ids.at(-3)!
  await page.goto(withoutInbox.url)
  const request = await page
    .locator('.events a')
    .first()
    .evaluate((link: HTMLAnchorElement) => link.href)
  const pages = [
    ...[
      '',
      '?q=nothing',
      `event/${waiting}`,
      `event/${dead}`,
      `event/${dead}?done=replay`,
      'event/unknown',
      'nowhere',
    ].map((path) => `${app.url}${path}`),
    ...[withoutInbox.url, request],
  ]
  const findings: unknown[] = []
  for (const path of pages) {
    await page.goto(path)
    if (!/unknown$|nowhere$/.test(path)) await whenLive(page)
    for (const summary of await page.locator('summary').all()) if (await summary.isVisible()) await summary.click()
    const { violations } = await page.evaluate<axe.AxeResults>(`${axe.source}; axe.run(document)`)
    findings.push(
      ...violations.map(({ id, nodes }) => ({
        path,
        id,
        nodes: nodes.map(({ html, failureSummary }) => `${html} ${failureSummary ?? ''}`),
      })),
    )
  }
  expect(findings).toEqual([])
})
