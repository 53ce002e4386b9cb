/**
 * Hostile texts in every field: none of their scripts runs, the Content-Security-Policy is not violated, and the pages
 * keep their structure.
 */
import { hostileTexts } from '../hostile-texts'
import type { Sample } from './fill'
import { closeAll, openPage, startApp, whenLive, type App, type Mode } from './rig'

afterAll(closeAll)

/** Lone surrogates are left out, because the receiver refuses them and PostgreSQL cannot store them. */
const texts = hostileTexts.filter((text) => !/\p{Cs}/u.test(text))

const bodyOf = (text: string): string =>
  JSON.stringify({ eventName: text, orderEvent: { orderId: text, [text]: [text, { [text]: text }] } })
const samples: Sample[] = texts.flatMap((text, i): Sample[] => {
  const all = { id: text, eventName: text, reason: text, contentType: text }
  const xml = `<order id="1"><a><![CDATA[${text.replaceAll(']]>', ']] >').replace(/[\0-\x08\x0e-\x1f]/g, '')}]]></a></order>`
  return [
    { ...all, body: bodyOf(text), state: 'dead', outcome: text },
    ...(i % 4 === 0 ? [{ ...all, body: xml, state: 'dead', outcome: text } as const] : []),
    ...(i % 4 === 1 ? [{ ...all, body: `<p>${text}`, state: 'quarantined' } as const] : []),
    ...(i % 4 === 2 ? [{ ...all, body: `${text}\n${text}`, state: 'quarantined' } as const] : []),
  ]
})

test.each(['SQLite', 'PostgreSQL'] satisfies Mode[])(
  '%s: the list, each event, each action and each download',
  async (mode) => {
    // The pages are the same for both databases, so a quarter of the samples is enough for PostgreSQL.
    const some = mode === 'SQLite' ? samples : samples.filter((_sample, i) => i % 4 === 0)
    const app = await startApp(mode, { samples: some })
    const { page, problems } = await openPage({ viewport: { width: 1200, height: 800 } })
    await page.goto(app.url)
    await whenLive(page)
    expect(await page.locator('.events tbody tr').count()).toBe(Math.min(50, some.length))
    for (const text of texts.filter((_text, i) => i % 3 === 0)) {
      await page.goto(`${app.url}?${new URLSearchParams({ q: text.trim(), event: text.trim(), state: text.trim() })}`)
      await checkStructure(page, 'list')
    }
    for (const id of app.ids) {
      await page.goto(`${app.url}event/${id}`)
      for (const summary of await page.locator('summary').all())
        if (await summary.isVisible()) await summary.press('Enter')
      await checkStructure(page, 'event')
    }
    await page.goto(`${app.url}event/${app.ids[1]!}`)
    await page.getByRole('button', { name: 'Replay' }).click()
    await page.getByText('The event was queued and is delivered again.').waitFor()
    const response = await page.request.get(`${app.url}event/${app.ids[2]!}/body`)
    expect(response.headers()).toMatchObject({
      'content-type': 'application/octet-stream',
      'x-content-type-options': 'nosniff',
    })
    expect(response.headers()['content-disposition']).toMatch(/^attachment; filename="event-[\da-f-]{36}\.\w+"$/)
    expect(problems).toEqual([])
  },
)

test('no inbox: what was sent, and what callbacks threw', async () => {
  const onOrder = ({ orderId }: { orderId: string }) => Promise.reject(new Error(orderId))
  const app: App = await startApp('no inbox', { webhook: { onOrder } })
  for (const text of texts) await app.send(bodyOf(text))
  const { page, problems } = await openPage()
  await page.goto(app.url)
  await whenLive(page)
  const links = await page
    .locator('.events a')
    .evaluateAll((all) => all.map((link) => (link as HTMLAnchorElement).href))
  expect(links.length).toBe(texts.length)
  for (const link of links) {
    await page.goto(link)
    await checkStructure(page, 'event')
  }
  expect(problems).toEqual([])
})

/**
 * Checks that the texts have added no dangerous element, no event handler, and no link that leaves the inspector. Also
 * checks that the page shows no invisible character, has one heading, and is not wider than the window.
 */
async function checkStructure(
  page: Awaited<ReturnType<typeof openPage>>['page'],
  view: 'list' | 'event',
): Promise<void> {
  const found = await page.evaluate(() => ({
    strange: document.querySelectorAll(
      'img, iframe, object, embed, base, style, script:not([src]), [style], meta[http-equiv], body script, form[action^=http]',
    ).length,
    handlers: [...document.querySelectorAll('*')].filter((one) =>
      one.getAttributeNames().some((name) => name.startsWith('on')),
    ).length,
    headings: document.querySelectorAll('h1').length,
    // Invisible characters, and characters that change the text direction.
    invisible: /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/.test(
      document.body.innerText,
    ),
    links: [...document.links].filter(
      (link) => link.origin !== location.origin || !link.pathname.startsWith('/inspector/'),
    ).length,
    isWide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
  }))
  expect({ view, url: page.url(), ...found }).toEqual({
    ...{ view, url: page.url(), strange: 0, handlers: 0, headings: 1, invisible: false, links: 0, isWide: false },
  })
}
