/** The user name and password of the next login, from the options or from the user's function. */
import { checkSecret, checkUsername } from '../errors/checks'
import { within } from '../wait/within'

export interface Credentials {
  username: string
  password: string
}

export type CredentialsFunction = () => Credentials | Promise<Credentials>

export type BasicHeader = { ok: true; value: string } | { ok: false; reason: string }

/**
 * Never rejects. The reason for a failure never contains what the function threw or returned, because that may be
 * secret.
 */
export async function askForCredentials(ask: CredentialsFunction, timeoutMs: number): Promise<BasicHeader> {
  let given: unknown
  try {
    given = await within(timeoutMs, Promise.resolve(ask()), () => LATE)
  } catch {
    return { ok: false, reason: 'the function `credentials` failed' }
  }
  if (given === LATE)
    return { ok: false, reason: `the function \`credentials\` returned nothing within ${timeoutMs} ms` }
  try {
    const { username, password } = given as Credentials
    const pair = `${checkUsername('username', username)}:${checkSecret('password', password)}`
    return { ok: true, value: `Basic ${Buffer.from(pair, 'utf8').toString('base64')}` }
  } catch {
    return { ok: false, reason: 'the function `credentials` returned no valid `username` and `password`' }
  }
}

const LATE = Symbol('late')
