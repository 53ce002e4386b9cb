/** An issuer for tests: real keys and tokens, and a key server on a real socket that can be stopped. */
import { importPKCS8, SignJWT, type JWK } from 'jose'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { resolveOAuth } from '../../../../../lib/receive/sender/oauth/options'
import { OAuthVerifier } from '../../../../../lib/receive/sender/oauth/verifier'
import type { KeyTimes } from '../../../../../lib/receive/sender/oauth/key-set'
import { freezeClock, type Clock } from '../../../../clock'
import { until } from '../../../../wait'

export { until }

export const ISSUER = 'https://login.example.com/issuer/v2.0'
export const AUDIENCE = 'https://hooks.example.com'

export interface TestKey {
  kid: string
  alg: string
  privatePem: string
  publicPem: string
  publicJwk: JWK
}

type Curve = 'P-256' | 'P-384' | 'P-521'

/** Creates an RSA key if `size` is a number of bits, or else a key on the curve `size`. */
export function makeKey(kid: string, alg = 'RS256', size: number | Curve = 2048): TestKey {
  const { publicKey, privateKey } =
    typeof size === 'number'
      ? generateKeyPairSync('rsa', { modulusLength: size })
      : generateKeyPairSync('ec', { namedCurve: size })
  return {
    kid,
    alg,
    privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    publicJwk: { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig' } as JWK,
  }
}

export const seconds = (): number => Math.floor(Date.now() / 1000)

export function goodClaims(): Record<string, unknown> {
  return { iss: ISSUER, aud: AUDIENCE, iat: seconds(), nbf: seconds(), exp: seconds() + 3_600, azp: 'tradecloud' }
}

/** Signs a token. A claim or header parameter that is `undefined` is removed. */
export async function sign(key: TestKey, claims: object = {}, header: object = {}): Promise<string> {
  const whole = { alg: key.alg, kid: key.kid, typ: 'JWT', ...header }
  return new SignJWT(JSON.parse(JSON.stringify({ ...goodClaims(), ...claims })))
    .setProtectedHeader(JSON.parse(JSON.stringify(whole)))
    .sign(await importPKCS8(key.privatePem, whole.alg))
}

export function encode(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
}

export type Script = (req: IncomingMessage, res: ServerResponse) => void

export const answer =
  (status: number, body: string | Buffer = '', headers: Record<string, string> = {}): Script =>
  (_req, res) =>
    res.writeHead(status, headers).end(body)

export class KeyServer {
  keys: unknown[] = []
  fetches = 0
  /** Sends the response. Without a script, the server sends `keys`. */
  script: Script | undefined
  #server: Server | undefined
  #port = 0

  async start(): Promise<this> {
    const server = createServer((req, res) => {
      this.fetches++
      if (this.script) this.script(req, res)
      else res.setHeader('Content-Type', 'application/json').end(JSON.stringify({ keys: this.keys }))
    })
    await once(server.listen(this.#port, '127.0.0.1'), 'listening')
    this.#port = (server.address() as AddressInfo).port
    this.#server = server
    return this
  }

  /** Stops the server: nothing listens on its port until `start` is called. */
  async stop(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    this.#server = undefined
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }

  get uri(): string {
    return `http://127.0.0.1:${this.#port}/discovery/keys`
  }

  /** Resolves once all connections are closed. */
  async idle(): Promise<void> {
    const count = () => new Promise<number>((resolve) => this.#server?.getConnections((_error, n) => resolve(n)))
    await until(async () => (await count()) === 0)
  }
}

export interface SetUp {
  server: KeyServer
  advance: (ms: number) => Promise<void>
  /** Creates a verifier that accepts the tokens of `sign`, unless `options` differ. It is closed after the test. */
  verifier: (options?: Record<string, unknown>, times?: Partial<KeyTimes>) => OAuthVerifier
}

/** Starts a key server for each test, and a clock that only `advance` and `verdict` advance. */
export function setUp(): SetUp {
  let clock: Clock
  const verifiers: OAuthVerifier[] = []
  const server = { current: new KeyServer() }
  beforeEach(async () => {
    server.current = await new KeyServer().start()
    clock = freezeClock()
  })
  afterEach(async () => {
    for (const verifier of verifiers.splice(0)) verifier.close()
    clock.stop()
    await server.current.stop()
  })
  return {
    get server() {
      return server.current
    },
    advance: (ms) => clock.wait(ms),
    verifier: (options = {}, times = {}) => {
      const entry = { issuer: ISSUER, jwksUri: server.current.uri, audience: AUDIENCE, ...options }
      const made = new OAuthVerifier(resolveOAuth('auth', entry), times)
      verifiers.push(made)
      return made
    },
  }
}

/**
 * Verifies a token: `'yes'`, `'no'` (401), or `'unable'` (503). Each token arrives one millisecond after everything
 * before it.
 */
export async function verdict(verifier: OAuthVerifier, token: string): Promise<'yes' | 'no' | 'unable'> {
  jest.advanceTimersByTime(1)
  try {
    return (await verifier.check(token)) ? 'yes' : 'no'
  } catch {
    return 'unable'
  }
}
