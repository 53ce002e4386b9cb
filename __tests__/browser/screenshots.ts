/**
 * `npm run screenshots`: creates the pictures of the inspector in docs/, light and dark. Needs Debian's package
 * `chromium`.
 */
import express from 'express'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTradecloudWebhook } from 'tradecloud-webhook'
import { createInspector } from 'tradecloud-webhook/inspector'
import { sqliteInbox } from 'tradecloud-webhook/sqlite'
import { launchBrowser } from './browser'
import { fillInbox } from './fill'
import { samplesOfADay } from './samples'

const docs = process.argv[2] ?? join(__dirname, '../../docs')
const auth = { type: 'basic', username: 'operator', password: 'secret' } as const

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'inspector-'))
  const file = join(folder, 'inbox.db')
  const filling = sqliteInbox({ file })
  const ids = await fillInbox(filling, samplesOfADay())
  await filling.close()
  const inbox = sqliteInbox({ file })
  const webhook = createTradecloudWebhook({ auth, inbox, deliver: false })
  await webhook.ready()
  const app = express()
  app.use('/inspector', createInspector({ webhook, auth, access: 'operate' }))
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/inspector/`
  const browser = await launchBrowser()
  for (const colorScheme of ['light', 'dark'] as const) {
    const viewport = { width: 1000, height: 740 }
    const page = await browser.newPage({ colorScheme, viewport, httpCredentials: auth })
    const shoot = (name: string) => join(docs, `inspector-${name}-${colorScheme}.png`)
    await page.goto(url)
    await page.getByText('Live', { exact: true }).waitFor()
    await page.screenshot({ path: shoot('list') })
    await page.locator('.chart').screenshot({ path: shoot('chart') })
    await page.goto(`${url}event/${ids.at(-3)!}`)
    await page.getByText('Live', { exact: true }).waitFor()
    await page.screenshot({ path: shoot('event') })
    await page.close()
  }
  await browser.close()
  await webhook.close()
  server.close()
  rmSync(folder, { recursive: true })
}

void main()
