/** The log line for a path that matches no pattern: it says how to mount the webhook, and is written once per path. */
import express from 'express'
import type { TradecloudWebhook } from 'tradecloud-webhook'
import { closeAll, isExpress4 } from './harness'
import { expectNotRouted, mounted, start } from './not-routed-rig'

afterEach(closeAll)

describe('the log', () => {
  test.each<[string, (app: express.Express, webhook: TradecloudWebhook) => void, RegExp]>([
    [
      'app.post',
      (app, webhook) => app.post('/tradecloud/order', webhook),
      /app\.post.*app\.use\("\/tradecloud", webhook\)/,
    ],
    [
      'app.all',
      (app, webhook) => app.all('/tradecloud/order', webhook),
      /app\.all.*app\.use\("\/tradecloud", webhook\)/,
    ],
    ['app.use without a path', (app, webhook) => app.use(webhook), /app\.use\("\/tradecloud", webhook\)/],
    ['a route of a router', (app, webhook) => app.use('/tradecloud', express.Router().post('/order', webhook)), /$/],
    [
      'a wildcard route',
      (app, webhook) => app.all(isExpress4 ? '/tradecloud/*' : '/tradecloud/*splat', webhook),
      /app\.use\("\/tradecloud", webhook\)/,
    ],
  ])('says how to mount what is mounted with %s', async (how, mount, hint) => {
    const app = await start(mount)
    const answer = await app.ask('/tradecloud/order')
    if (how === 'a route of a router') {
      // Correctly mounted: Express has removed the mount path of the router, so the path matches a pattern.
      expect(answer).toMatchObject({ status: 200 })
      return
    }
    expectNotRouted(answer, app)
    expect(app.log).toEqual([{ level: 'error', line: expect.stringMatching(hint) }])
  })

  test('of another route that came before says nothing about the mount', async () => {
    const app = await start((app, webhook) => {
      app.all(/.*/, (_req, _res, next) => next())
      app.use('/tradecloud', webhook)
    })
    expectNotRouted(await app.ask('/tradecloud/orders'), app)
    expect(app.log[0]?.line).not.toMatch(/app\.(?:use|post)/)
  })

  test('a route that no pattern fits at all', async () => {
    const app = await start((app, webhook) => app.post('/hook', webhook))
    expectNotRouted(await app.ask('/hook'), app)
    expect(app.log[0]?.line).toContain('app.use("/hook", webhook)')
  })

  test('hostile paths are quoted and cut, and memory is bounded', async () => {
    const app = await start(mounted())
    const nasty = `/tradecloud/"\\${'/'.repeat(5_000)}${'x'.repeat(5_000)}`
    expectNotRouted(await app.ask(nasty), app)
    expect(app.log[0]?.line).toContain('\\"')
    expect(app.log[0]?.line.length).toBeLessThan(1_000)
    // Requests more paths than the log remembers.
    for (let i = 0; i < 1_100; i += 100)
      await Promise.all(
        Array.from({ length: 100 }, (_, j) => app.ask({ method: 'GET', path: `/tradecloud/x${i + j}` })),
      )
    expectNotRouted(await app.ask('/tradecloud/orders'), app)
    expect(app.records).toHaveLength(1_102)
  })
})
