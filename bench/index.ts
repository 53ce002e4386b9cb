/**
 * All benchmarks of this package and, for comparison, of similar packages. Each runs with Node 20 and then with Node
 * 24: `npm run bench` (about half an hour), or `npm run bench -- --quick` (fewer rounds, and smaller amounts of data).
 * `--only=http,txml` runs only these parts, and `--node=24` uses only this version of Node.
 */
import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { cpus } from 'node:os'

interface Part {
  run: (quick: boolean) => string | Promise<string>
}

const PARTS: Record<string, { title: string; module: string }> = {
  http: { title: 'Servers side by side', module: './http/compare' },
  fairness: { title: 'Small events beside a large one', module: './fairness/compare' },
  stages: { title: 'Stages, without sockets', module: './stages' },
  start: { title: 'Cold start', module: './start' },
  txml: { title: 'tXML', module: './txml' },
  fetch: { title: 'Fetching', module: './fetch' },
  dedupe: { title: 'Dedupe in memory', module: './dedupe' },
  redis: { title: 'Store in Redis', module: './redis' },
  inbox: { title: 'Inbox', module: './inbox/accept' },
  blocked: { title: 'Event loop while events are stored', module: './inbox/blocked' },
  backlog: { title: 'Inbox with a backlog', module: './inbox/backlog' },
  'catch-up': { title: 'Catch-up', module: './inbox/catch-up' },
  inspector: { title: 'Pages of the inspector', module: './inspector/pages' },
}

const VERSIONS = ['20', '24']

function argument(name: string): string | undefined {
  return process.argv.find((one) => one.startsWith(`--${name}=`))?.slice(name.length + 3)
}

/** The executable of a Node version. npm installs the version unless it is the one that is running. */
function nodeOf(major: string): string {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath
  const arguments_ = ['-y', '-p', `node@${major}`, 'node', '-p', 'process.execPath']
  return execFileSync('npx', arguments_, { encoding: 'utf8' }).trim()
}

/** Each part runs in a process of its own, because memory and compiled code of one part would affect the next. */
async function runPart(execPath: string, module: string, quick: boolean): Promise<string> {
  const child = fork(__filename, [`--module=${module}`, ...(quick ? ['--quick'] : [])], { execPath })
  let text: string | undefined
  child.once('message', (message) => (text = message as string))
  const [code] = (await once(child, 'exit')) as [number]
  if (text === undefined) throw new Error(`${module} ended with ${code}.`)
  return text
}

async function main(): Promise<void> {
  const quick = process.argv.includes('--quick')
  const module = argument('module')
  if (module !== undefined) {
    process.send?.(await (require(module) as Part).run(quick))
    process.disconnect()
    return
  }
  const names = argument('only')?.split(',') ?? Object.keys(PARTS)
  const versions = argument('node')?.split(',') ?? VERSIONS
  const started = performance.now()
  console.log(
    `${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${new Date().toISOString().slice(0, 10)}.`,
  )
  for (const name of names) {
    const part = PARTS[name]
    if (!part) throw new Error(`No part ${name}; expected one of ${Object.keys(PARTS).join(', ')}`)
    for (const version of versions) {
      console.log(`\n## ${part.title}, Node ${version}\n`)
      console.log(await runPart(nodeOf(version), part.module, quick))
    }
  }
  console.log(`\nTook ${Math.round((performance.now() - started) / 1000)} s.`)
}

void main()
