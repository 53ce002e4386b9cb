/** Where the inspector is opened from: behind a prefix, over http, from other sites, without scripts, on a phone. */
import { closeAll, listen, openPage, startApp, whenLive, type App } from './rig'
import { startNginx } from './nginx'

const dead = { state: 'dead', reason: 'the supplier is blocked', minutesAgo: 5 } as const
const samples = Array.from({ length: 60 }, (_, i) => ({ ...dead, id: `company-PO-2026/${String(i).padStart(5, '0')}` }))

let app: App
beforeAll(async () => {
  app = await startApp('SQLite', { samples })
})
afterAll(closeAll)

const stateOf = async (id: string) => (await app.inbox?.show(id))?.entry.state
/** An event that no other test has changed. */
const untouched: string[] = []
const nextId = (): string => {
  if (untouched.length === 0) untouched.push(...app.ids)
  return untouched.pop()!
}

test('behind a proxy that adds a prefix: every link and every button', async () => {
  const url = await startNginx(app.port, '/ops/tools')
  const { page, problems } = await openPage()
  const id = nextId()
  // The prefix without a slash at its end.
  await page.goto(`${url}inspector?state=dead`)
  expect(page.url()).toBe(`${url}inspector/?state=dead`)
  await whenLive(page)
  await page.getByRole('link', { name: 'Older events' }).click()
  await page.getByRole('link', { name: 'Newest events' }).click()
  await page.locator(`.events a[href$="${id}"]`).click()
  await whenLive(page)
  const downloading = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Download the body' }).click()
  await (await downloading).path()
  await page.getByRole('button', { name: 'Replay' }).click()
  await page.waitForURL(`${url}inspector/event/${id}?done=replay`)
  await page.getByRole('link', { name: 'Tradecloud webhook' }).click()
  expect(page.url()).toBe(`${url}inspector/`)
  const purged = nextId()
  await page.goto(`${url}inspector/event/${purged}`)
  await page.getByText('Purge…').click()
  await page.getByRole('button', { name: 'Remove for good' }).click()
  await page.waitForURL(`${url}inspector/?done=purge`)
  expect(await stateOf(purged)).toBeUndefined()
  expect(problems).toEqual([])
})

test('over http from another machine, where browsers send no Sec-Fetch-Site: by the script of the page', async () => {
  const { page, problems } = await openPage()
  const id = nextId()
  await page.goto(`http://ops.test:${app.port}/inspector/event/${id}`)
  expect(await page.evaluate(() => isSecureContext)).toBe(false)
  await page.getByRole('button', { name: 'Replay' }).click()
  await page.getByText('The event was queued and is delivered again.').waitFor()
  expect(problems).toEqual([])
})

test('without scripts: the list, an event, and a button', async () => {
  const { page } = await openPage({ javaScriptEnabled: false })
  const id = nextId()
  await page.goto(app.url)
  expect(await page.locator('#live').innerText()).toBe('Without scripts, reload the page to update it.')
  await page.getByLabel('State').selectOption('dead')
  await page.getByRole('button', { name: 'Search' }).click()
  await page.locator(`.events a[href$="${id}"]`).click()
  await page.getByText('Purge…').click()
  await page.getByRole('button', { name: 'Remove for good' }).click()
  await page.getByText('The event was removed.').waitFor()
  expect(await stateOf(id)).toBeUndefined()
})

test.each(['127.0.0.1', 'ops.test'])('another site at %s changes nothing, by a form or by fetch', async (host) => {
  const id = nextId()
  const target = `${app.url}event/${id}`
  const evil = await listen((_req, res) => {
    res.setHeader('Content-Type', 'text/html')
    res.end(`<iframe name="frame"></iframe>
      <form method="post" action="${target}/purge" target="frame"></form>
      <form method="post" action="${target}/replay" enctype="text/plain" target="frame"></form>`)
  })
  const { page } = await openPage()
  // The browser has the credentials, and would send them.
  await page.goto(app.url)
  await page.goto(`http://${host}:${evil}/`)
  const statuses: number[] = []
  page.on('response', (response) => response.url().startsWith(target) && statuses.push(response.status()))
  for (const [form, action] of ['purge', 'replay'].entries())
    await Promise.all([
      page.waitForResponse(`${target}/${action}`),
      page.evaluate((number) => document.forms[number]!.submit(), form),
    ])
  for (const mode of ['no-cors', 'cors'] as const)
    await page.evaluate(
      ([url, mode]) =>
        fetch(`${url}/purge`, { method: 'POST', mode: mode as RequestMode, credentials: 'include' }).then(
          () => 0,
          () => 0,
        ),
      [target, mode],
    )
  expect(statuses.filter((status) => ![401, 403].includes(status))).toEqual([])
  // The forms at least: the browser itself may block a fetch from an insecure site to this machine.
  expect(statuses.length).toBeGreaterThanOrEqual(2)
  expect(await stateOf(id)).toBe('dead')
  // Nor may it show the inspector within a page of its own.
  await page.setContent(`<iframe src="${target}"></iframe>`)
  await page.frames()[1]?.waitForLoadState()
  expect(await page.frameLocator('iframe').locator('main').count()).toBe(0)
})

test('where server-sent events do not get through, the page reloads its parts', async () => {
  const { page } = await openPage()
  await page.clock.install()
  await page.route('**/live', (route) => route.abort())
  await page.goto(app.url)
  await page.locator('#live', { hasText: 'Reloaded every 15 seconds' }).waitFor()
  await app.send({ eventName: 'OrderIssuedByBuyer', orderEvent: { orderId: 'company-PO-2026/90001', lines: [] } })
  await page.clock.fastForward(16_000)
  await page.locator('.events', { hasText: 'PO-2026/90001' }).waitFor()
  await page.route('**/inspector/?*', (route) => route.abort())
  await page.clock.fastForward(16_000)
  await page.locator('#live', { hasText: 'Not up to date' }).waitFor()
})

test('on a phone: nothing is wider than the screen', async () => {
  const { page } = await openPage({ viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true })
  for (const path of ['', `event/${nextId()}`]) {
    await page.goto(`${app.url}${path}`)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360)
  }
})
