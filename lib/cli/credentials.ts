/** Reads secrets from the environment or a prompt, because every user of the machine can see command-line arguments. */
import { checkSecret, checkToken, checkUsername } from '../errors/checks'
import type { TriggerAuth } from '../testing/sender/trigger'
import { askSecret } from './ask'
import type { OptionValues } from './command'
import { UsageError } from './errors'

/**
 * Throws a `UsageError` if the options contradict each other, or if a secret is missing or invalid. The error never
 * contains a secret.
 */
export async function credentialsOf({ basic, bearer }: OptionValues): Promise<TriggerAuth> {
  if (basic !== undefined && bearer === true) throw new UsageError('--basic and --bearer exclude each other.')
  if (typeof basic === 'string') {
    if (basic.includes(':'))
      throw new UsageError('--basic takes only the user name: set the password in WEBHOOK_PASSWORD.')
    const username = checked(() => checkUsername('--basic', basic))
    const password = await secret('WEBHOOK_PASSWORD', 'Password')
    return { type: 'basic', username, password: checked(() => checkSecret('WEBHOOK_PASSWORD', password)) }
  }
  if (bearer !== true) return 'none'
  const token = await secret('WEBHOOK_TOKEN', 'Token')
  return { type: 'bearer', token: checked(() => checkToken('WEBHOOK_TOKEN', token)) }
}

async function secret(variable: string, name: string): Promise<string> {
  return process.env[variable] ?? (await askSecret(`${name}: `, `Set ${variable}: there is no terminal to prompt on.`))
}

function checked<T>(check: () => T): T {
  try {
    return check()
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

/** Shorter passwords are not masked, because they are likely to occur in ordinary text. */
const MIN_HIDDEN = 6

/** Masks the credentials in a response before it is shown, because some servers echo the request. */
export function withoutSecrets(text: string, authorization: string | undefined): string {
  const [scheme, value = ''] = authorization?.split(' ') ?? []
  if (value === '') return text
  const hidden = text.replaceAll(value, '***')
  const password =
    scheme === 'Basic'
      ? Buffer.from(value, 'base64')
          .toString()
          .replace(/^[^:]*:/, '')
      : ''
  return password.length < MIN_HIDDEN ? hidden : hidden.replaceAll(password, '***')
}
