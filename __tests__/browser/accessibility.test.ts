/** axe-core reports no violation on any page, in light and dark mode. */
import axe from 'axe-core'
import { samplesOfADay } from './samples'
import { closeAll, openPage, startApp, whenLive, type App } from './rig'

let app: App
beforeAll(async () => {
  app = await startApp('SQLite', {
    samples: [
      ...samplesOfADay().filter(({ state = 'delivered' }) => state !== 'delivered'),
      ...samplesOfADay().slice(-5),
    ],
    webhook: { deliver: false, onOrder: undefined, onShipment: undefined },
  })
})
afterAll(closeAll)

test.each(['light', 'dark'] as const)('%s', async (colorScheme) => {
  const { page } = await openPage({ colorScheme })
  const dead = (await app.inbox!.list({ state: 'dead' })).entries[0]!.id
  const waiting = app.ids.at(-3)!
  const paths = [
    '',
    '?q=nothing',
    `event/${waiting}`,
    `event/${dead}`,
    `event/${dead}?done=replay`,
    'event/unknown',
    'nowhere',
  ]
  const findings: unknown[] = []
  for (const path of paths) {
    await page.goto(`${app.url}${path}`)
    if (!['event/unknown', 'nowhere'].includes(path)) await whenLive(page)
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
