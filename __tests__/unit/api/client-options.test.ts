/** Options of the client: valid ones, invalid ones, and no secret in an error message. */
import { Agent } from 'node:https'
import { TradecloudClient, type TradecloudClientOptions } from '../../../lib/api'
import { resolveClientOptions } from '../../../lib/api/client-options'
import { TradecloudWebhookError } from '../../../lib/errors/errors'

const CREDENTIALS = { username: 'someone@example.com', password: 'canary-secret' }
const VALID: TradecloudClientOptions = { environment: 'production', ...CREDENTIALS }

function errorOf(options: unknown): TradecloudWebhookError {
  try {
    new TradecloudClient(options as TradecloudClientOptions)
  } catch (error) {
    expect(error).toBeInstanceOf(TradecloudWebhookError)
    expect(error).toMatchObject({ code: 'invalid_option' })
    return error as TradecloudWebhookError
  }
  throw new Error('did not throw')
}

const baseUrlOf = (options: object) => resolveClientOptions({ ...CREDENTIALS, ...options }).baseUrl

test('has defaults, and takes undefined for absent', () => {
  const absent = { baseUrl: undefined, requestTimeoutMs: undefined, maxResponseBytes: undefined }
  const { credentials, ...rest } = resolveClientOptions({ ...VALID, ...absent })
  expect(credentials()).toEqual(CREDENTIALS)
  expect(rest).toEqual({
    baseUrl: 'https://api.tradecloud1.com/v2',
    requestTimeoutMs: 5_000,
    fetchTimeoutMs: 20_000,
    maxResponseBytes: 67_108_864,
    requestsPerSecond: 10,
    parallelRequests: 10,
    notFoundRetryMs: 2_000,
    maxDocumentBytes: 104_857_600,
    downloadTimeoutMs: 60_000,
    documentHosts: new Set(),
    proxy: undefined,
    httpsAgent: undefined,
  })
  expect(baseUrlOf({ environment: 'acceptance' })).toBe('https://api.accp.tradecloud1.com/v2')
})

test.each([
  ['https://api.example.com/v2', 'https://api.example.com/v2'],
  ['https://api.example.com/v2/', 'https://api.example.com/v2'],
  ['https://api.example.com', 'https://api.example.com'],
  ['http://localhost:1234/v2', 'http://localhost:1234/v2'],
  ['http://127.0.0.1:1234', 'http://127.0.0.1:1234'],
  ['http://127.9.8.7/', 'http://127.9.8.7'],
  ['http://[::1]:80/v2', 'http://[::1]/v2'],
])('takes the base URL %s', (baseUrl, expected) => {
  expect(baseUrlOf({ baseUrl })).toBe(expected)
})

test.each([
  'http://api.example.com/v2',
  'http://127.evil.example',
  'http://localhost.evil.example',
  'http://[::2]/',
  'ftp://localhost/',
  'https://user:canary-secret@api.example.com/v2',
  'https://canary-secret@api.example.com',
  'https://api.example.com/v2?a=b',
  'https://api.example.com/v2?',
  'https://api.example.com/v2#',
  'api.example.com',
  '',
  7,
])('refuses the base URL %s', (baseUrl) => {
  const { message } = errorOf({ ...CREDENTIALS, baseUrl })
  expect(message).toContain('`baseUrl`')
  expect(message).not.toContain('canary')
})

test.each([
  [{ ...CREDENTIALS }, 'environment'],
  [{ ...VALID, baseUrl: 'https://api.example.com' }, 'baseUrl'],
  [{ ...VALID, environment: 'staging' }, 'environment'],
  [{ ...VALID, environment: 'toString' }, 'environment'],
  [{ ...VALID, requestTimeoutMs: 0 }, 'requestTimeoutMs'],
  [{ ...VALID, requestTimeoutMs: '5000' }, 'requestTimeoutMs'],
  [{ ...VALID, fetchTimeoutMs: 2_147_483_648 }, 'fetchTimeoutMs'],
  [{ ...VALID, fetchTimeoutMs: NaN }, 'fetchTimeoutMs'],
  [{ ...VALID, maxResponseBytes: 1.5 }, 'maxResponseBytes'],
  [{ ...VALID, requestsPerSecond: 0 }, 'requestsPerSecond'],
  [{ ...VALID, requestsPerSecond: 11 }, 'requestsPerSecond'],
  [{ ...VALID, requestsPerSecond: 2.5 }, 'requestsPerSecond'],
  [{ ...VALID, parallelRequests: 0 }, 'parallelRequests'],
  [{ ...VALID, parallelRequests: 11 }, 'parallelRequests'],
  [{ ...VALID, parallelRequests: '1' }, 'parallelRequests'],
  [{ ...VALID, notFoundRetryMs: -1 }, 'notFoundRetryMs'],
  [{ ...VALID, maxDocumentBytes: 0 }, 'maxDocumentBytes'],
  [{ ...VALID, downloadTimeoutMs: 0 }, 'downloadTimeoutMs'],
  [{ environment: 'production', credentials: 'canary' }, 'credentials'],
  [{ ...VALID, credentials: () => CREDENTIALS }, 'username'],
  [{ environment: 'production', password: 'canary', credentials: () => CREDENTIALS }, 'password'],
  [{ ...VALID, proxy: 'proxy.example.com' }, 'proxy'],
  [{ ...VALID, proxy: 'https://proxy.example.com' }, 'proxy'],
  [{ ...VALID, proxy: 'http://proxy.example.com/path' }, 'proxy'],
  [{ ...VALID, proxy: 'http://a:100%@proxy.example.com' }, 'proxy'],
  [{ ...VALID, proxy: 7 }, 'proxy'],
  [{ ...VALID, httpsAgent: {} }, 'httpsAgent'],
  [{ ...VALID, httpsAgent: new Agent(), proxy: 'http://canary:canary@proxy' }, 'httpsAgent'],
  [{ ...VALID, username: 'some:one' }, 'username'],
  [undefined, 'options'],
  [null, 'options'],
])('refuses %p', (options, option) => {
  const { message } = errorOf(options)
  expect(message).toContain(`Option \`${option}\``)
  expect(message).not.toContain('canary')
})

test.each(['username', 'password'])('refuses a wrong %s and does not show it', (option) => {
  for (const value of [undefined, null, '', ' canary', 'canary\n', '\u00a0canary', 7, { canary: 1 }]) {
    const { message } = errorOf({ ...VALID, [option]: value })
    expect(message).toContain(`Option \`${option}\``)
    expect(message).not.toContain('canary')
  }
})

test('names an unknown option and the known ones', () => {
  const { message } = errorOf({ ...VALID, timeout: 1 })
  expect(message).toContain('`timeout`')
  for (const known of ['environment', 'baseUrl', 'username', 'password', 'requestTimeoutMs']) {
    expect(message).toContain(known)
  }
})
