/** The button that starts a catch-up, and its report. */
import { request } from 'node:http'
import { createTradecloudSimulator, order } from 'tradecloud-webhook/testing'
import { CATCH_UP, HOUR, START } from '../integration/catch-up-rig'
import { atEnd, closeAll, listen, openPage, startApp, whenLive, type Mode } from './rig'

afterAll(closeAll)

test.each<Mode>(['SQLite', 'PostgreSQL'])('%s: a catch-up is started, and the page shows its report', async (mode) => {
  const tradecloud = await createTradecloudSimulator({ startAt: START, rateLimit: false })
  atEnd(() => tradecloud.close())
  const issued = order({ seed: 1, lines: 2 })
  tradecloud.world.change(issued, { lines: issued.lines.map(({ id }) => String(id)), deliver: 'none' })
  tradecloud.clock.advance(HOUR)
  // Until this resolves, requests to the API wait.
  let gate = Promise.resolve()
  const { baseUrl, username, password } = tradecloud
  const { port } = new URL(baseUrl)
  const slow = await listen((req, res) => {
    const { method, url: path, headers } = req
    const forwarded = request({ host: '127.0.0.1', port, method, path, headers }, (response) => {
      res.writeHead(response.statusCode!, response.headers)
      response.pipe(res)
    })
    void gate.then(() => req.pipe(forwarded))
  })
  const app = await startApp(mode, {
    webhook: { api: { baseUrl: baseUrl.replace(port, String(slow)), username, password }, catchUp: CATCH_UP },
  })
  const { page, problems } = await openPage()
  // Disables the page's timer, so that only server-sent events update the page.
  await page.addInitScript(() => (window.setInterval = (() => 0) as never))
  const report = (text: string) => page.locator('#catch-up', { hasText: text }).waitFor()
  const start = async (): Promise<void> => {
    await page.goto(app.url)
    await whenLive(page)
    await page.getByRole('button', { name: 'Catch up now' }).click()
    await page.getByText('The catch-up has begun.').waitFor()
  }
  await start()
  await report('The last catch-up is complete: 1 of 1 change had not arrived.')
  await page.locator('.events tbody th').first().waitFor()
  expect(app.log.join()).toContain('Inspector: "operator" started a catch-up')
  tradecloud.api.failNext(1_000, 403)
  let openGate: () => void = () => undefined
  gate = new Promise((resolve) => (openGate = resolve))
  await start()
  await report('A catch-up is running.')
  openGate()
  await report('The last catch-up could not be completed: ')
  expect(problems).toEqual([])
})
