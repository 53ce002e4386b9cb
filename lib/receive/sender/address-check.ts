/**
 * Enforces the option `allow`: decides which addresses may send, and how a request from another address is answered.
 */
import type { IncomingMessage } from 'node:http'
import { quote } from '../../bytes/quote'
import { compileAllow, readAddress, type AllowEntry } from '../../net/address'
import { clientAddress, trustsEveryone, type TrustFunction } from './client-address'
import type { Client } from '../../answer/exchange'
import type { Refusal } from '../../answer/refusal'

export interface AddressCheckOptions {
  allow: readonly AllowEntry[]
  /** Used if no Express app with a `trust proxy` setting handles the request. */
  trust: TrustFunction
  /**
   * True if credentials are checked. Then an address that is not listed is more likely a new address of Tradecloud than
   * an attacker's, so the response lets Tradecloud send the event again.
   */
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
   * Must be called while the connection is open, because a closed socket has no address. `trustOfApp` returns the
   * `trust proxy` function of the Express app. Never throws.
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
      // The user's trust function threw, so its result is unknown. The event must not be lost.
      const detail = 'The source address could not be checked now.'
      return { refusal: { ok: false, outcome: 'unavailable', detail, cause } }
    }
  }

  #refusal(why: string): Refusal {
    // Only the log and `onError` get the reason: an unknown sender must not learn about the proxies.
    const cause = new Error(why)
    return { ok: false, outcome: 'address_not_allowed', retry: this.#options.authenticates, cause }
  }

  /**
   * Warns of a trust function that trusts every address. Each function is checked at the first request for which it is
   * used, because a router does not know its app earlier.
   */
  #probe(trust: TrustFunction, setting: string): void {
    if (this.#warned || this.#probed.has(trust)) return
    this.#probed.add(trust)
    if (!trustsEveryone(trust)) return
    this.#warned = true
    this.#options.warn(
      `${setting} trusts everyone: anyone can claim any address in X-Forwarded-For, so \`allow\` has no effect. ` +
        'Set it to the number of proxies in front, such as 1, or to their addresses.',
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
        ? `${quote(claimed)} is not an address`
        : `${address} is not in the option \`allow\``
  // A peer that sends X-Forwarded-For is most likely a proxy in front of the app, so the advice is to trust it.
  const isPeer = claimed === (socket as typeof socket | undefined)?.remoteAddress
  if (!isPeer || headers['x-forwarded-for'] === undefined) return subject
  return `${subject}; its X-Forwarded-For is ignored, because it is not a trusted proxy (\`trust proxy\`, \`trustProxy\`)`
}
