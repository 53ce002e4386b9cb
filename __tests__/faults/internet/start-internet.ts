/**
 * Starts `internet.ts` in a network namespace in which public addresses belong to the loopback device and names are
 * resolved by a test server. The machine's own network is neither changed nor reached. Linux only.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DEAD, NOT_PUBLIC, PUBLIC, UNTRUSTED, type Question, type Told } from './question'

const START_MS = 20_000
const ANSWER_MS = 15_000
/**
 * Names in the certificates. The last name contains `canary`, so that the tests notice an error that lists these names.
 */
const NAMES = 'DNS:files.example.com,DNS:other.example.com,IP:93.184.216.34,IP:2a00:1450::1,DNS:canary.example.com'
const NEEDS =
  'This test needs a network of its own: Linux, unshare, mount, ip (iproute2), openssl, and root or user namespaces'
/** Gives the loopback device the addresses that it lacks, replaces `/etc/resolv.conf`, and runs the program. */
const SET_UP = `
ip link set lo up
for address in ${[...PUBLIC, ...NOT_PUBLIC, ...DEAD, UNTRUSTED].map((a) => `${a}/${a.includes(':') ? 128 : 32}`).join(' ')}; do
  case $address in
    127.0.0.1/*|::1/*) ;;
    *:*) ip -6 addr add "$address" dev lo nodad ;;
    *) ip addr add "$address" dev lo ;;
  esac
done
mount --bind "$1" /etc/resolv.conf
shift
exec "$@"`

export class Internet {
  readonly #child: ChildProcess
  /** Rejects when the process ends. */
  readonly #ended: Promise<never>
  readonly #folder: string
  /** Certificate and private key of the untrusted server, in PEM. */
  readonly untrusted: { cert: string; key: string }

  private constructor(child: ChildProcess, ended: Promise<never>, folder: string, untrusted: Internet['untrusted']) {
    this.#child = child
    this.#ended = ended
    this.#folder = folder
    this.untrusted = untrusted
  }

  static async start(): Promise<Internet> {
    const folder = mkdtempSync(join(tmpdir(), 'tradecloud-internet-'))
    const [trusted, untrusted] = [join(folder, 'trusted'), join(folder, 'untrusted')]
    for (const path of [trusted, untrusted]) makeCertificate(path)
    const resolver = join(folder, 'resolv.conf')
    writeFileSync(resolver, 'nameserver 127.0.0.1\nsearch .\noptions timeout:3 attempts:1\n')
    const user = process.getuid?.() === 0 ? [] : ['--map-root-user']
    const program = [process.execPath, '--import', 'tsx', join(__dirname, 'internet.ts'), trusted, untrusted]
    const child = spawn('unshare', [...user, '--net', '--mount', 'sh', '-ec', SET_UP, 'sh', resolver, ...program], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...process.env, NODE_OPTIONS: '', NODE_EXTRA_CA_CERTS: `${trusted}.crt` },
    })
    let stderr = ''
    let started = false
    child.stderr?.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-4_000)))
    const ended = new Promise<never>((_resolve, reject) => {
      child.on('error', (cause) => reject(new Error(NEEDS, { cause })))
      child.once('exit', () => reject(new Error(started ? `It ended: ${stderr}` : `${NEEDS}. It said: ${stderr}`)))
    })
    ended.catch(() => undefined)
    const pem = { cert: readFileSync(`${untrusted}.crt`, 'utf8'), key: readFileSync(`${untrusted}.key`, 'utf8') }
    const internet = new Internet(child, ended, folder, pem)
    try {
      await internet.#message(START_MS)
      started = true
    } catch (error) {
      await internet.end()
      throw error
    }
    return internet
  }

  async ask(question: Question): Promise<Told> {
    this.#child.send(question, () => undefined)
    const told = (await this.#message(ANSWER_MS)) as Told | { failed: string }
    if ('failed' in told) throw new Error(told.failed)
    return told
  }

  async #message(timeoutMs: number): Promise<unknown> {
    const controller = new AbortController()
    const timer = setTimeout(() => controller.abort(), timeoutMs)
    const message = once(this.#child, 'message', { signal: controller.signal })
    message.catch(() => undefined)
    try {
      return (await Promise.race([message, this.#ended]))[0]
    } finally {
      clearTimeout(timer)
      controller.abort()
    }
  }

  async end(): Promise<void> {
    const { exitCode, signalCode, pid } = this.#child
    if (pid !== undefined && exitCode === null && signalCode === null) {
      const exited = once(this.#child, 'exit')
      this.#child.kill('SIGKILL')
      await exited
    }
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function makeCertificate(path: string): void {
  const kind = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const names = ['-subj', '/CN=internet of the tests', '-addext', `subjectAltName=${NAMES}`]
  try {
    execFileSync('openssl', [...kind, ...names, '-keyout', `${path}.key`, '-out', `${path}.crt`], { stdio: 'pipe' })
  } catch (cause) {
    throw new Error(NEEDS, { cause })
  }
}
