/** Credentials: Basic and Bearer, lists of them, and auth functions. */
import { setTimeout as sleep } from 'node:timers/promises'
import { authorization, basic, closeAll, orderEvent, pause, startRig, type Loose } from './harness'

afterEach(closeAll)

describe('credentials', () => {
  test.each<[string, string | null]>([
    ['none', null],
    ['an empty header', ''],
    ['the scheme alone', 'Basic'],
    ['the scheme and a space', 'Basic '],
    ['another scheme', `Digest ${authorization.slice(6)}`],
    ['Bearer instead of Basic', `Bearer ${authorization.slice(6)}`],
    ['a wrong password', basic('tradecloud', 'wrong')],
    ['a wrong user', basic('tradeclouds', 'hook:påss')],
    ['user and password apart at another colon', basic('tradecloud:hook', 'påss ')],
    ['the password in Latin-1', `Basic ${Buffer.from('tradecloud:hook:påss', 'latin1').toString('base64')}`],
    ['a password with a null character', basic('tradecloud', 'hook:påss\0')],
    ['no colon', `Basic ${Buffer.from('tradecloud').toString('base64')}`],
    ['not base64', 'Basic ****'],
    ['two credentials in one header', `${authorization}, ${authorization}`],
    ['a tab', authorization.replace(' ', '\t')],
    ['a wrong one in front of the right one', `${basic('a', 'b')} ${authorization}`],
    ['very long', `Basic ${'QUFB'.repeat(3000)}`],
  ])('%s: 401', async (_what, auth) => {
    const rig = await startRig()
    const answer = await rig.post(orderEvent(), { auth })
    expect(answer).toMatchObject({
      status: 401,
      json: { code: 'unauthorized' },
      headers: { 'www-authenticate': 'Basic realm="tradecloud-webhook", charset="UTF-8"' },
    })
    expect(rig.calls).toEqual([])
    const told = JSON.stringify([
      answer,
      rig.log,
      rig.records,
      rig.errors.map(({ error, context }) => [error, error.message, context]),
    ])
    expect(told).not.toContain('hook:påss')
    if (auth) expect(told).not.toContain(auth.length > 12 ? auth.slice(-12) : '\0')
  })

  test.each<[string, string]>([
    ['the scheme in other letters', authorization.replace('Basic', 'bAsIc')],
    ['more spaces', authorization.replace(' ', '    ')],
    ['a space behind', `${authorization} `],
  ])('%s: comes in', async (_what, auth) => {
    const rig = await startRig()
    expect(await rig.post(orderEvent(), { auth })).toMatchObject({ status: 200 })
  })

  test('a Basic pair as a token, and a token as a Basic pair: 401', async () => {
    const rig = await startRig({
      auth: [
        { type: 'basic', username: 'user', password: 'word' },
        { type: 'bearer', token: 'a:token' },
      ],
    })
    expect(await rig.get('/order/1', { auth: 'Bearer user:word' })).toMatchObject({ status: 401 })
    expect(await rig.get('/order/1', { auth: basic('a', 'token') })).toMatchObject({ status: 401 })
    expect(await rig.get('/order/1', { auth: basic('user', 'word') })).toMatchObject({ status: 200 })
    expect(await rig.get('/order/1', { auth: 'Bearer a:token' })).toMatchObject({ status: 200 })
  })

  test('a header that comes twice: the first counts', async () => {
    const rig = await startRig()
    expect(
      await rig.get('/order/1', { auth: null, headers: { Authorization: [authorization, basic('a', 'b')] } }),
    ).toMatchObject({ status: 200 })
    expect(
      await rig.get('/order/1', { auth: null, headers: { Authorization: [basic('a', 'b'), authorization] } }),
    ).toMatchObject({ status: 401 })
  })

  test('a list: each of them', async () => {
    const rig = await startRig({
      auth: [
        { type: 'bearer', token: 'token-one' },
        { type: 'basic', username: 'u', password: 'p' },
        { type: 'bearer', token: 'token-two' },
      ],
    })
    for (const auth of ['Bearer token-one', 'bearer token-two', basic('u', 'p')])
      expect(await rig.get('/order/1', { auth })).toMatchObject({ status: 200 })
    const answer = await rig.get('/order/1', { auth: 'Bearer token-three' })
    expect(answer).toMatchObject({
      status: 401,
      headers: {
        'www-authenticate': 'Bearer realm="tradecloud-webhook", Basic realm="tradecloud-webhook", charset="UTF-8"',
      },
    })
  })

  test.each<[string, () => Loose, number]>([
    ['true', () => true, 200],
    ['a promise of true', async () => true, 200],
    ['a late true', () => sleep(20, true), 200],
    ['false', () => false, 401],
    ['a promise of false', async () => false, 401],
    ['something truthy', () => 1, 401],
    ['a promise of something truthy', async () => 'yes', 401],
    ['nothing', () => undefined, 401],
    [
      'an error',
      () => {
        throw new Error('keys away')
      },
      503,
    ],
    ['a rejection', () => Promise.reject(new Error('keys away')), 503],
    [
      'a throw of null',
      () => {
        throw null
      },
      503,
    ],
    [
      'a Proxy whose every trap throws',
      () =>
        new Proxy(
          {},
          new Proxy(
            {},
            {
              get: () => () => {
                throw new Error('a trap')
              },
            },
          ),
        ),
      503,
    ],
  ])('an own function that gives %s', async (_what, auth, status) => {
    const rig = await startRig({ auth })
    const answer = await rig.post(orderEvent())
    expect(answer.status).toBe(status)
    if (status === 401) expect(answer.headers['www-authenticate']).toBeDefined()
    expect(rig.calls).toHaveLength(status === 200 ? 1 : 0)
  })

  test('an own function that never comes to an end: 504, and nothing is called', async () => {
    const rig = await startRig({ auth: () => new Promise(() => undefined), answerTimeoutMs: 50 })
    expect(await rig.post(orderEvent())).toMatchObject({ status: 504, json: { code: 'answer_timeout' } })
  })

  test('an own function that is slower than the answer: nothing is called', async () => {
    const rig = await startRig({ auth: () => sleep(120, true), answerTimeoutMs: 40 })
    expect(await rig.post(orderEvent())).toMatchObject({ status: 504 })
    await pause(150)
    expect(rig.calls).toEqual([])
    expect(rig.records).toHaveLength(1)
  })
})
