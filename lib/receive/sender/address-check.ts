/** The option `allow` at work: whether a request comes from an address that may send, and what is said of it if not. */
import type { IncomingMessage } from 'node:http'
import { quote } from '../../log/quote'
import { compileAllow, readAddress, type AllowEntry } from '../../net/address'
import { clientAddress, trustsEveryone, type TrustFunction } from './client-address'
import type { Client } from '../../answer/exchange'
import type { Refusal } from '../../answer/refusal'

export interface AddressCheckOptions {
  allow: readonly AllowEntry[]
  /** What counts where there is no app to ask. */
  trust: TrustFunction
  /** The sender has shown credentials: then a wrong address is more likely a new one of Tradecloud's than a stranger's. */
  authenticates: boolean
  warn: (text: string) => void
}

export class AddressCheck {
  readonly #options: AddressCheckOptions
  readonly #isAllowed: ReturnType<typeof compileAllow>
  readonly #probed = new WeakSet<TrustFunction>()
  #warned = false

  constructor(options: AddressCheckOptions) {
    this.#options = options
    this.#isAllowed = compileAllow(options.allow)
  }

  /**
   * To be called as long as the connection is there: once it is gone, so is its address. `trustOfApp` returns what the app says
   * of its proxies, under Express. Never throws.
   */
  look(req: IncomingMessage, trustOfApp: () => TrustFunction | undefined = () => undefined): Client {
    try {
      const appTrust = trustOfApp()
      const trust = appTrust ?? this.#options.trust
      this.#probe(trust, appTrust ? "Express's setting `trust proxy`" : 'the option `trustProxy`')
      const claimed = clientAddress(req, trust)
      const address = claimed === undefined ? undefined : readAddress(claimed)
      if (address && this.#isAllowed(address)) return { address: address.text }
      return { address: address?.text, refusal: this.#refusal(whyNot(req, claimed, address?.text)) }
    } catch (cause) {
      // A trust function of the user's: what it would have said is not known, and the event must not get lost.
      const detail = 'The source address could not be checked now.'
      return { refusal: { ok: false, outcome: 'unavailable', detail, cause } }
    }
  }

  #refusal(why: string): Refusal {
    // The address is for the log and for `onError`; a stranger need not know what our proxies make of it.
    const cause = new Error(why)
    return { ok: false, outcome: 'address_not_allowed', retry: this.#options.authenticates, cause }
  }

  /** The app of a router is known with its first request only, and each app has a setting of its own. */
  #probe(trust: TrustFunction, setting: string): void {
    if (this.#warned || this.#probed.has(trust)) return
    this.#probed.add(trust)
    if (!trustsEveryone(trust)) return
    this.#warned = true
    this.#options.warn(
      `${setting} trusts everyone: anyone can claim any address in X-Forwarded-For, so \`allow\` keeps nobody out. ` +
        'Set it to the number of proxies in front, as 1, or to their addresses.',
    )
  }
}

function whyNot(
  { headers, socket }: IncomingMessage,
  claimed: string | undefined,
  address: string | undefined,
): string {
  const subject =
    claimed === undefined
      ? 'the connection has no address, as on a Unix socket'
      : address === undefined
        ? `${quote(claimed)} is no address`
        : `${address} is not in the option \`allow\``
  // The likely mistake: behind a proxy, whose own address this is.
  const isPeer = claimed === (socket as typeof socket | undefined)?.remoteAddress
  if (!isPeer || headers['x-forwarded-for'] === undefined) return subject
  return `${subject}; its X-Forwarded-For does not count, as it is no proxy that is trusted (\`trust proxy\`, \`trustProxy\`)`
}
