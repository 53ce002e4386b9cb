/** One server in a process of its own, which reports its use of CPU and memory on request. */
import { readFileSync, writeFileSync } from 'node:fs'
import { PEERS, type PeerName } from './peers'

export interface Usage {
  /** CPU time in microseconds, user and system. */
  cpu: number
  /** Memory now, and the highest value since `mark` or `clean`, in bytes. */
  rss: number
  peak: number
}

/**
 * What the parent process asks for. `clean` also runs the garbage collector, which discards compiled code, so a round
 * of several requests uses `mark` instead.
 */
export type Question = 'usage' | 'mark' | 'clean'

/** Resets the peak memory use of the process, which Linux records. */
function forgetPeak(): void {
  try {
    writeFileSync('/proc/self/clear_refs', '5')
  } catch {
    // On other systems, the peak of the whole lifetime is measured.
  }
}

function peak(): number {
  try {
    const kib = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
    return Number(kib) * 1024
  } catch {
    return process.resourceUsage().maxRSS * 1024
  }
}

async function main(): Promise<void> {
  const port = await PEERS[process.argv[2] as PeerName]()
  process.on('message', (question: Question) => {
    if (question === 'clean') globalThis.gc?.()
    if (question !== 'usage') forgetPeak()
    const { user, system } = process.cpuUsage()
    const usage: Usage = { cpu: user + system, rss: process.memoryUsage.rss(), peak: peak() }
    process.send?.(usage)
  })
  process.once('disconnect', () => process.exit())
  process.send?.(port)
}

void main()
