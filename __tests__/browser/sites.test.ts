/** The inspector behind a path prefix, over http, from other sites, without scripts, and on a phone. */
import type { InspectorAuthFunction } from 'tradecloud-webhook/inspector'
import { until } from '../wait'
import { startNginx } from './nginx'
import { closeAll, listen, openPage, startApp, whenLive, type App, type SeenRequest } from './rig'

const dead = { id: 'PO-1', state: 'dead', reason: 'the supplier is blocked', minutesAgo: 5 } as const
const samples = Array.from({ length: 60 }, (_, i) => ({ ...dead, id: `company-PO-2026/${String(i).padStart(5, '0')}` }))

/** The function that docs/inspector.md recommends. */
const userOfProxy: InspectorAuthFunction = ({ headers }) => {
  const user = headers['x-forwarded-user']
  return typeof user === 'string' && user !== '' && { user }
}

let app: App
beforeAll(async () => {
  app = await startApp('SQLite', { samples })
})
afterAll(closeAll)

const stateOf = async (id: string) => (await app.inbox?.show(id))?.entry.state
/** IDs of events that no test has used yet. The first call of `nextId` fills the list. */
const untouched: string[] = []
const nextId = (): string => {
  if (untouched.length === 0) untouched.push(...app.ids)
  return untouched.pop()!
}

test('behind a proxy that adds a prefix: every link and every button', async () => {
  const url = await startNginx(app.port, '/ops/tools')
  const { page, problems } = await openPage()
  const id = nextId()
  // The inspector redirects a request whose path has no slash at its end.
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
  await page.waitForURL(`${url}inspector/`)
  const purged = nextId()
  await page.goto(`${url}inspector/event/${purged}`)
  await page.getByText('Purge…').click()
  await page.getByRole('button', { name: 'Remove permanently' }).click()
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
  await page.waitForURL('**/inspector/?*state=dead*')
  await page.locator(`.events a[href$="${id}"]`).click()
  await page.getByText('Purge…').click()
  await page.getByRole('button', { name: 'Remove permanently' }).click()
  await page.getByText('The event was removed.').waitFor()
  expect(await stateOf(id)).toBeUndefined()
})

test.each(['127.0.0.1', 'ops.test'])('another site at %s changes nothing, by a form or by fetch', async (host) => {
  const id = nextId()
  const target = `${app.url}event/${id}`
  const evil = await listen((_req, res) => {
    res.setHeader('Content-Type', 'text/html')
    res.end(`<iframe name="frame"></iframe>
      <form method="post" action="${target}/purge"></form>
      <form method="post" action="${target}/replay" enctype="text/plain"></form>`)
  })
  const { page } = await openPage()
  // From now on, the browser has the credentials. It adds them to the request of a form with the target `_top`, even if
  // the form is on another site.
  await page.goto(app.url)
  const posts = (): SeenRequest[] =>
    app.requests.filter(({ method, path }) => method === 'POST' && path.includes(`/event/${id}/`))
  for (const form of [0, 1])
    for (const where of ['frame', '_top']) {
      // Each form is sent from a new page, because a frame that is being replaced may ignore a second form. The pages
      // stay open, because closing a page that is being replaced may hang.
      const other = await page.context().newPage()
      const before = posts().length
      await other.goto(`http://${host}:${evil}/`)
      await other.evaluate(
        ([form, where]) =>
          void setTimeout(() => Object.assign(document.forms[form as number]!, { target: where }).submit()),
        [form, where],
      )
      const action = ['purge', 'replay'][form]!
      const hasArrived = (): boolean =>
        posts()
          .slice(before)
          .some(({ path }) => path.endsWith(action))
      await until(hasArrived, `form ${form} did not arrive from ${where}`)
    }
  expect(posts().filter(({ hasCredentials }) => hasCredentials).length).toBeGreaterThanOrEqual(2)
  await page.goto(`http://${host}:${evil}/`)
  // The browser itself may block a fetch from an insecure site to this machine.
  for (const mode of ['no-cors', 'cors'] as const)
    await page.evaluate(
      ([url, mode]) =>
        fetch(`${url}/purge`, { method: 'POST', mode: mode as RequestMode, credentials: 'include' }).then(
          () => 0,
          () => 0,
        ),
      [target, mode],
    )
  for (const { hasCredentials, status, site } of posts()) {
    expect(site).toBe(host === '127.0.0.1' ? 'same-site' : 'cross-site')
    expect(status).toBe(hasCredentials ? 403 : 401)
  }
  expect(await stateOf(id)).toBe('dead')
  // Another site must not show the inspector in a frame.
  await page.setContent(`<iframe src="${target}"></iframe>`)
  expect(await page.frameLocator('iframe').locator('main').count()).toBe(0)
})

test('behind a proxy that checks credentials: changes are logged under the name that it sends', async () => {
  const sessions = await listen((req, res) => {
    const isKnown = req.headers.cookie === 'session=alice'
    res.writeHead(isKnown ? 202 : 401, isKnown ? { 'X-Auth-Request-User': 'alice@example.com' } : {}).end()
  })
  const behind = await startApp('SQLite', { samples: [dead], inspector: { auth: userOfProxy } })
  const url = await startNginx(behind.port, '/ops', sessions)
  // The client forges the header of the proxy, and nginx overwrites it.
  const { page, problems } = await openPage({
    httpCredentials: undefined,
    extraHTTPHeaders: { 'X-Forwarded-User': 'mallory' },
  })
  const [id] = behind.ids
  expect((await page.goto(`${url}inspector/`))?.status()).toBe(401)
  await page.context().addCookies([{ name: 'session', value: 'alice', url }])
  await page.goto(`${url}inspector/event/${id}`)
  await whenLive(page)
  await page.getByRole('button', { name: 'Replay' }).click()
  await page.getByText('The event was queued and is delivered again.').waitFor()
  expect(behind.log.join()).toContain(`Inspector: "alice@example.com" replayed "${id}"`)
  expect(behind.log.join()).not.toContain('mallory')
  expect((await fetch(behind.url)).status).toBe(401)
  expect(problems).toEqual([])
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

test('on a phone: nothing is wider than the screen, and the labels of the chart can be read', async () => {
  const { page } = await openPage({ viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true })
  await page.goto(app.url)
  const labels = await page.locator('.axis').evaluateAll((all) => all.map((one) => one.getBoundingClientRect()))
  for (const { height, left } of labels) {
    expect(height).toBeGreaterThan(9)
    expect(left).toBeGreaterThanOrEqual(0)
  }
  for (const path of ['', `event/${nextId()}`]) {
    await page.goto(`${app.url}${path}`)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360)
  }
})
