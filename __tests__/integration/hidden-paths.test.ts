/** A mount that hides the path and, with it, the ID of a GET trigger. */
import { closeAll, isExpress4, orderEvent } from './harness'
import { expectNotRouted, notRouted, start } from './not-routed-rig'

afterEach(closeAll)

describe('a mount that hides the path', () => {
  const wildcards: Array<[string, string]> = isExpress4
    ? [
        ['a wildcard', '/tradecloud/*'],
        ['a wildcard for everything', '*'],
        ['a parameter for the ID', '/tradecloud/order/:id'],
      ]
    : [
        ['a wildcard', '/tradecloud/*splat'],
        ['an optional wildcard, as NestJS makes it', '/tradecloud{/*splat}'],
        ['a wildcard for everything', '/*splat'],
        ['a parameter for the ID', '/tradecloud/order/:id'],
      ]

  describe.each(wildcards)('%s: %s', (_what, wildcard) => {
    const hidden: Parameters<typeof start>[0] = (app, webhook) => app.use(wildcard, webhook)

    test('a GET with the ID in its path is 503, and the log says how to mount the webhook', async () => {
      const app = await start(hidden)
      for (let i = 0; i < 2; i++)
        expect(await app.ask({ method: 'GET', path: '/tradecloud/order/PO%2F1' })).toMatchObject(notRouted)
      expect(app.records).toMatchObject(Array(2).fill({ outcome: 'not_routed', status: 503, givenUp: false }))
      expect(app.calls).toEqual([])
      expect(app.log).toEqual([
        {
          level: 'error',
          line: expect.stringMatching(/"\/tradecloud\/order\/PO%2F1".*app\.use\("\/tradecloud", webhook\)/),
        },
      ])
    })

    test('so are a POST without a body, and one whose body has no ID', async () => {
      const app = await start(hidden)
      expect(await app.ask({ path: '/tradecloud/order/PO1', body: '' })).toMatchObject(notRouted)
      const { orderEvent: content, eventName } = orderEvent()
      delete content.orderId
      const body = JSON.stringify({ eventName, orderEvent: content })
      expect(await app.ask({ path: '/tradecloud/order/PO1', body })).toMatchObject(notRouted)
      expect(app.calls).toEqual([])
    })

    test('what has its ID elsewhere is delivered as usual', async () => {
      const app = await start(hidden)
      expect(await app.ask('/tradecloud/order/PO1')).toMatchObject({ status: 200 })
      expect(await app.ask({ method: 'GET', path: '/tradecloud/order/PO1?orderId=PO2' })).toMatchObject({ status: 200 })
      expect(app.calls.map(({ event }) => event.orderId)).toEqual([orderEvent().orderEvent.orderId, 'PO2'])
      expect(app.log).toEqual([])
    })

    test('credentials come first, and a wrong ID stays wrong', async () => {
      const app = await start(hidden)
      expect(await app.ask({ method: 'GET', path: '/tradecloud/order/PO1', auth: null })).toMatchObject({ status: 401 })
      expect(await app.ask({ method: 'GET', path: '/tradecloud/order/PO1?orderId=' })).toMatchObject({ status: 400 })
    })
  })

  test('so does middleware that replaces the URL', async () => {
    const app = await start((app, webhook) => {
      app.use((req, _res, next) => {
        req.url = '/?x=1'
        next()
      })
      app.use(webhook)
    })
    expect(await app.ask({ method: 'GET', path: '/tradecloud/order/PO1?x=1' })).toMatchObject(notRouted)
    expect(app.log).toMatchObject([{ level: 'error' }])
    expect(await app.ask({ method: 'GET', path: '/tradecloud/order' })).toMatchObject({ status: 400 })
  })

  test.each(['/tradecloud', '/tradecloud/', '/tradecloud/order', '/tradecloud?x=1'])(
    'without an ID in the path, GET %s stays invalid_id',
    async (path) => {
      for (const mount of ['/tradecloud', isExpress4 ? '/*' : '/*splat']) {
        const app = await start((app, webhook) => app.use(mount, webhook))
        expect(await app.ask({ method: 'GET', path })).toMatchObject({ status: 400, json: { code: 'invalid_id' } })
      }
    },
  )

  test('a mount path that looks like a path with an ID hides nothing from a request below it', async () => {
    const app = await start((app, webhook) => app.use('/order/:tenant', webhook))
    expect(await app.ask({ method: 'GET', path: '/order/acme/order' })).toMatchObject({ status: 400 })
    expect(await app.ask({ method: 'GET', path: '/order/acme/order/PO1' })).toMatchObject({ status: 200 })
  })

  test('without a pattern for the root the path matches nothing', async () => {
    const app = await start((app, webhook) => app.use(isExpress4 ? '/tradecloud/*' : '/tradecloud/*splat', webhook), {
      paths: { any: false },
    })
    expectNotRouted(await app.ask('/tradecloud/order'), app)
    expect(app.log[0]?.line).toContain('app.use("/tradecloud", webhook)')
  })

  test('a mount path that is too long', async () => {
    const app = await start((app, webhook) => app.use('/tradecloud/order', webhook))
    expectNotRouted(await app.ask({ method: 'GET', path: '/tradecloud/order/PO1' }), app)
    expect(app.log[0]?.line).toContain('app.use("/tradecloud", webhook)')
    expect(await app.ask('/tradecloud/order')).toMatchObject({ status: 200 })
  })
})
