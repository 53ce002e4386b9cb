/**
 * Runs the proxies with the files in examples/proxies. By default, only what must differ is replaced: ports,
 * certificates, and paths of logs and similar files. Each text that is replaced must exist in the file.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { atEnd, temporaryFolder } from '../faults/receiver-process'
import { inDays, makeCertificate, type Pem } from '../certificate'
import { pause } from '../integration/harness'
import { freePort } from './ports'

export const HOST = 'your-host.example'
const EXAMPLES = join(__dirname, '../../examples/proxies')

export type ProxyName = 'nginx' | 'haproxy' | 'apache' | 'caddy'
export type Protocol = 'HTTP/1.1' | 'HTTP/2'
export type Replacement = [text: string, by: string]

export interface Proxy {
  name: ProxyName
  port: number
  /** The certificate of the proxy, in PEM. */
  certificate: string
  log: () => string
}

/**
 * Runs a command. Kills the command and its workers when standard input ends. Standard input ends when the process of
 * the tests ends, for any reason.
 */
const GUARD = 'exec 3<&0; "$@" 3<&- & proxy=$!; { read -r line <&3; kill -9 0; } & wait $proxy'

interface Kind {
  file: string
  protocols: Protocol[]
  replace: (proxy: { port: number; appPort: number; folder: string }) => Replacement[]
  /** Writes further files that the proxy needs, and returns the command that starts the proxy. */
  command: (
    folder: string,
    config: string,
    port: number,
  ) => { command: string; args: string[]; env?: NodeJS.ProcessEnv }
}

const KINDS: Record<ProxyName, Kind> = {
  nginx: {
    file: 'nginx.conf',
    protocols: ['HTTP/1.1', 'HTTP/2'],
    replace: ({ port, appPort, folder }) => [
      ['listen 443 ', `listen 127.0.0.1:${port} `],
      ['http://127.0.0.1:3000;', `http://127.0.0.1:${appPort};`],
      ['/etc/ssl/certs/your-host.example.pem', `${folder}/certificate.pem`],
      ['/etc/ssl/private/your-host.example.key', `${folder}/key.pem`],
      ['/run/nginx.pid', `${folder}/nginx.pid`],
      ['/var/log/nginx/error.log', `${folder}/error.log`],
      ['/var/log/nginx/access.log', `${folder}/access.log`],
    ],
    command: (folder, config) => ({
      command: 'nginx',
      args: ['-e', `${folder}/error.log`, '-p', folder, '-c', config, '-g', 'daemon off;'],
    }),
  },
  haproxy: {
    file: 'haproxy.cfg',
    protocols: ['HTTP/1.1'],
    replace: ({ port, appPort, folder }) => [
      ['bind :443 ', `bind 127.0.0.1:${port} `],
      ['server app 127.0.0.1:3000', `server app 127.0.0.1:${appPort}`],
      ['/etc/haproxy/your-host.example.pem', `${folder}/both.pem`],
    ],
    command: (_folder, config) => ({ command: 'haproxy', args: ['-db', '-f', config] }),
  },
  apache: {
    file: 'apache.conf',
    protocols: ['HTTP/1.1'],
    replace: ({ port, appPort, folder }) => [
      ['<VirtualHost *:443>', `<VirtualHost *:${port}>`],
      ['http://127.0.0.1:3000/', `http://127.0.0.1:${appPort}/`],
      ['/etc/ssl/certs/your-host.example.pem', `${folder}/certificate.pem`],
      ['/etc/ssl/private/your-host.example.key', `${folder}/key.pem`],
      ['DocumentRoot /var/www/tradecloud', `DocumentRoot ${folder}/www`],
    ],
    command: debianApache,
  },
  caddy: {
    file: 'Caddyfile',
    protocols: ['HTTP/1.1', 'HTTP/2'],
    replace: ({ port, appPort, folder }) => [
      ['\nyour-host.example:443 {', `\nyour-host.example:${port} {`],
      ['\n:443 {', `\n:${port} {`],
      ['127.0.0.1:3000 {', `127.0.0.1:${appPort} {`],
      ['/etc/ssl/certs/your-host.example.pem', `${folder}/certificate.pem`],
      ['/etc/ssl/private/your-host.example.key', `${folder}/key.pem`],
      ['unix//run/caddy/admin.socket', `unix/${folder}/admin.socket`],
    ],
    command: (folder, config) => ({
      command: 'caddy',
      args: ['run', '--adapter', 'caddyfile', '--config', config],
      env: { XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    }),
  },
}

export const proxyNames = Object.keys(KINDS) as ProxyName[]

/** Each proxy with each of its protocols. */
export const combinations = proxyNames.flatMap((name) =>
  KINDS[name].protocols.map((protocol): [ProxyName, Protocol] => [name, protocol]),
)

/**
 * Starts a proxy, and resolves when it listens. `replacements` are further replacements for this test. `pem` is used
 * instead of the certificate for HOST.
 */
export async function startProxy(
  name: ProxyName,
  appPort: number,
  replacements: Replacement[] = [],
  pem?: Pem,
): Promise<Proxy> {
  const kind = KINDS[name]
  const folder = temporaryFolder()
  // The workers of the proxy run as another user, who needs access to the folder.
  chmodSync(folder, 0o755)
  const port = await freePort()
  const certificate = writeCertificate(folder, pem ?? makeCertificate(HOST, inDays(-1), inDays(90)))
  const config = join(folder, kind.file)
  const text = readFileSync(join(EXAMPLES, kind.file), 'utf8')
  writeFileSync(config, replaceAll(text, [...replacements, ...kind.replace({ port, appPort, folder })]))
  const { command, args, env } = kind.command(folder, config, port)
  const child = spawn('sh', ['-c', GUARD, 'sh', command, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    detached: true,
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  atEnd(() => end(child))
  const log = (): string => {
    const file = join(folder, 'error.log')
    return output + (existsSync(file) ? readFileSync(file, 'utf8') : '')
  }
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`${name} did not start: ${log()}`)
    await pause(20)
  }
  return { name, port, certificate, log }
}

/** Throws unless each text that is to be replaced exists exactly once. */
export function replaceAll(text: string, replacements: Replacement[]): string {
  return replacements.reduce((sofar, [from, to]) => {
    const parts = sofar.split(from)
    if (parts.length !== 2) throw new Error(`${from} is there ${parts.length - 1} times`)
    return parts.join(to)
  }, text)
}

/** Copies Debian's main configuration and modules, with our site as the only one. Returns the command. */
function debianApache(folder: string, config: string, port: number): ReturnType<Kind['command']> {
  for (const name of ['apache2.conf', 'mods-available', 'mods-enabled', 'conf-available', 'conf-enabled', 'magic'])
    cpSync(join('/etc/apache2', name), join(folder, name), { recursive: true, verbatimSymlinks: true })
  for (const name of ['sites-enabled', 'run', 'www']) mkdirSync(join(folder, name))
  cpSync(join(EXAMPLES, 'apache-later.asis'), join(folder, 'www/later.asis'))
  // Debian's main configuration allows Apache to read only below /var/www.
  const main = join(folder, 'apache2.conf')
  writeFileSync(main, replaceAll(readFileSync(main, 'utf8'), [['<Directory /var/www/>', `<Directory ${folder}/www/>`]]))
  cpSync(config, join(folder, 'sites-enabled/tradecloud.conf'))
  writeFileSync(join(folder, 'ports.conf'), `Listen 127.0.0.1:${port}\n`)
  const enable = /a2enmod ([\w ]+)/.exec(readFileSync(config, 'utf8'))?.[1]?.trim().split(' ')
  if (!enable) throw new Error('apache.conf does not say which modules it needs')
  // Also enables the module http2: even with this module, the example must not offer HTTP/2.
  execFileSync('a2enmod', ['-q', ...enable, 'http2'], {
    env: { ...process.env, APACHE_CONFDIR: folder },
    stdio: 'pipe',
  })
  return {
    command: 'apache2',
    args: ['-d', folder, '-f', main, '-D', 'FOREGROUND'],
    env: {
      APACHE_RUN_USER: 'www-data',
      APACHE_RUN_GROUP: 'www-data',
      APACHE_PID_FILE: join(folder, 'run/apache2.pid'),
      APACHE_RUN_DIR: join(folder, 'run'),
      APACHE_LOCK_DIR: join(folder, 'run'),
      APACHE_LOG_DIR: folder,
    },
  }
}

/** Writes three files: one with the certificate, one with the key, and one with both. Returns the certificate. */
function writeCertificate(folder: string, { certificate, privateKey }: Pem): string {
  writeFileSync(join(folder, 'certificate.pem'), certificate)
  writeFileSync(join(folder, 'key.pem'), privateKey)
  writeFileSync(join(folder, 'both.pem'), certificate + privateKey)
  return certificate
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

/** Ends a proxy and its workers, which are in its process group. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  process.kill(-child.pid!, 'SIGKILL')
  await exited
}
