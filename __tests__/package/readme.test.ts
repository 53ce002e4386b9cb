/**
 * Follows the README as a new user would: from an empty folder to an event, and then to an order in the user's own
 * database.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../proxies/ports'
import { install, root, run, tarball } from './project'

jest.setTimeout(300_000)

const readme = readFileSync(join(root, 'README.md'), 'utf8')

function section(heading: string): { commands: string[]; server: string } {
  const [, text = ''] = readme.split(`\n## ${heading}\n`)
  const [body = ''] = text.split('\n## ')
  const blocks = (language: string): string[] =>
    [...body.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(([, code = '']) => code)
  const server = blocks('ts').find((code) => code.startsWith('// server.ts\n')) ?? ''
  return { commands: blocks('sh').flatMap((code) => code.trim().split('\n')), server }
}

let at: string
let port: number
let child: ChildProcess | undefined

beforeAll(() => {
  at = join(dirname(tarball()), 'readme')
  mkdirSync(at)
})
afterEach(() => {
  // npx starts the server in another process, so the whole process group is ended.
  if (child?.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
})

/** Runs the commands of the README, but with the tarball and another port, and returns what they print. */
function follow(commands: string[]): string {
  let printed = ''
  for (const command of commands) {
    const [, words] = /^npm install ([^#]*)/.exec(command) ?? []
    if (words === undefined) printed += run('bash', ['-c', `${PASSWORD}\n${command.replace(':3000', `:${port}`)}`], at)
    else
      install(
        at,
        ...words
          .trim()
          .split(' ')
          .filter((word) => word !== 'tradecloud-webhook'),
      )
  }
  return printed
}

const [PASSWORD = ''] = section('Quick start').commands.filter((command) => command.startsWith('export '))
const [START = ''] = section('Quick start').commands.filter((command) => command.includes('server.ts'))
const [TRIGGER = ''] = section('Quick start').commands.filter((command) => command.includes(' trigger '))

async function start(server: string): Promise<void> {
  port = await freePort()
  writeFileSync(join(at, 'server.ts'), server.replace('listen(3000)', `listen(${port})`))
  child = spawn('bash', ['-c', `${PASSWORD}\nexec ${START}`], { cwd: at, stdio: 'ignore', detached: true })
  const hasEnded = once(child, 'exit')
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined)
    if (response) return
    await Promise.race([sleep(50), hasEnded.then(() => Promise.reject(new Error('the server does not start')))])
  }
}

test('Install and Quick start: the event is delivered', async () => {
  follow(section('Install').commands)
  await start(section('Quick start').server)
  expect(follow([TRIGGER])).toContain('"outcome":"delivered"')
})

test('Writing into a database: the order is in the SQLite file, and the files for PostgreSQL are there to copy', async () => {
  const { commands, server } = section('Writing into a database')
  follow(commands.filter((command) => !/\bpg@|\bpsql\b/.test(command)))
  await start(server)
  expect(follow([TRIGGER])).toContain('"outcome":"delivered"')
  const script = `const { DatabaseSync } = require('@photostructure/sqlite')
    console.log(new DatabaseSync('orders.db').prepare('SELECT count(*) AS n FROM order_lines').get().n)`
  expect(Number(run(process.execPath, ['-e', script], at))).toBeGreaterThan(0)
  expect(run('ls', ['postgres.sql', 'postgres.ts'], at)).toBe('postgres.sql\npostgres.ts\n')
})
