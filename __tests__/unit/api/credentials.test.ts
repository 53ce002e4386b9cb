/** Credentials from a function: it is called before each login, and what it returns is never shown. */
import { inspect } from 'node:util'
import { errorOf, PASSWORD, setUp, USERNAME, withoutJitter } from './fake-api'

const { api, client } = setUp()
interface Pair {
  username: string
  password: string
}

const GOOD = { username: USERNAME, password: PASSWORD }

test.each([
  ['at once', () => GOOD],
  ['later', async () => GOOD],
])('takes what the function gives %s, before each login', async (_when, give) => {
  const credentials = jest.fn<Pair | Promise<Pair>, []>(give)
  const tradecloud = client({ credentials })
  expect(credentials).not.toHaveBeenCalled()
  await Promise.all([tradecloud.getOrder('1'), tradecloud.getOrder('2')])
  expect(credentials).toHaveBeenCalledTimes(1)
  api().accessTokens.clear()
  await tradecloud.getOrder('1')
  expect(credentials).toHaveBeenCalledTimes(1)
  api().accessTokens.clear()
  api().refreshTokens.clear()
  await tradecloud.getOrder('1')
  expect(credentials).toHaveBeenCalledTimes(2)
  expect(api().count('login')).toBe(2)
})

test('finds a changed password without a restart', async () => {
  const credentials = jest.fn(() => GOOD).mockReturnValueOnce({ ...GOOD, password: 'old' })
  const tradecloud = client({ credentials })
  expect(await errorOf(tradecloud.getOrder('1'))).toMatchObject({ code: 'fetch_failed', apiStatus: 401 })
  expect(await tradecloud.getOrder('1')).toEqual({ id: '1' })
})

test.each([
  [
    'throws',
    () => {
      throw new Error('canary')
    },
  ],
  ['rejects', () => Promise.reject(new Error('canary'))],
  ['gives nothing', () => undefined],
  ['gives half', () => ({ username: 'canary' })],
  ['gives a line break', () => ({ username: 'canary', password: 'canary\n' })],
  ['gives a colon', () => ({ username: 'canary:canary', password: 'canary' })],
  ['never comes back', () => new Promise(() => undefined)],
])('fails the call, without a secret and without a request, where it %s', async (_what, give) => {
  jest.spyOn(Math, 'random').mockReturnValue(0.4)
  const tradecloud = client({ credentials: give as never, requestTimeoutMs: 50, fetchTimeoutMs: 250 })
  const error = await errorOf(tradecloud.getOrder('1'))
  expect(error).toMatchObject({ code: 'fetch_failed', apiStatus: undefined, attempts: 0 })
  expect(error.message).toContain('`credentials`')
  expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain('canary')
  expect(api().seen).toHaveLength(0)
})

test('asks again within the call', async () => {
  withoutJitter()
  const credentials = jest.fn(async () => GOOD).mockRejectedValueOnce(new Error('vault sealed'))
  expect(await client({ credentials }).getOrder('1')).toEqual({ id: '1' })
  expect(credentials).toHaveBeenCalledTimes(2)
})
