/**
 * Tokens of the simulated API: short-lived access tokens in the form of a JWT, and refresh tokens that work once. Each
 * login starts a session of its own; earlier sessions stay valid, which is not documented.
 */
import { createHmac, randomBytes, randomUUID } from 'node:crypto'

/** How long an access token stays valid after logout. Documented as "within 10 minutes". */
const AFTER_LOGOUT_MS = 600_000

export interface TokenPair {
  accessToken: string
  refreshToken: string
}

interface Token {
  session: string
  /** When the token expires, in milliseconds since 1970. */
  expiresAt: number
}

export class TokenIssuer {
  private readonly key = randomBytes(32)
  private readonly accessTokens = new Map<string, Token>()
  private readonly refreshTokens = new Map<string, Token>()

  constructor(
    private readonly now: () => number,
    private readonly accessTokenMs: number,
    private readonly refreshTokenMs: number,
  ) {}

  login(): TokenPair {
    return this.issue(randomUUID())
  }

  /** The next pair of tokens of the session; `undefined` if the refresh token is unknown, used or expired. */
  refresh(refreshToken: string): TokenPair | undefined {
    const session = this.takeRefreshToken(refreshToken)
    return session === undefined ? undefined : this.issue(session)
  }

  /** Returns false if the refresh token is unknown, used or expired. */
  logout(refreshToken: string): boolean {
    const session = this.takeRefreshToken(refreshToken)
    if (session === undefined) return false
    const end = this.now() + AFTER_LOGOUT_MS
    for (const token of this.accessTokens.values()) {
      if (token.session === session) token.expiresAt = Math.min(token.expiresAt, end)
    }
    return true
  }

  accepts(accessToken: string): boolean {
    return this.isAlive(this.accessTokens.get(accessToken))
  }

  expireAccessTokens(): void {
    this.accessTokens.clear()
  }

  expireRefreshTokens(): void {
    this.refreshTokens.clear()
  }

  private issue(session: string): TokenPair {
    const now = this.now()
    const expiresAt = now + this.accessTokenMs
    const accessToken = this.sign({ exp: Math.floor(expiresAt / 1000), jti: randomUUID() })
    const refreshToken = randomBytes(32).toString('base64url')
    this.accessTokens.set(accessToken, { session, expiresAt })
    this.refreshTokens.set(refreshToken, { session, expiresAt: now + this.refreshTokenMs })
    return { accessToken, refreshToken }
  }

  /** Builds a JWT. Tradecloud documents only the claim `exp`; `jti` makes each token unique. */
  private sign(payload: object): string {
    const signed = [{ alg: 'HS256', typ: 'JWT' }, payload]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.')
    return `${signed}.${createHmac('sha256', this.key).update(signed).digest('base64url')}`
  }

  private takeRefreshToken(refreshToken: string): string | undefined {
    const token = this.refreshTokens.get(refreshToken)
    this.refreshTokens.delete(refreshToken)
    return this.isAlive(token) ? token.session : undefined
  }

  private isAlive(token: Token | undefined): token is Token {
    return token !== undefined && this.now() < token.expiresAt
  }
}
