/** One peer in a process of its own, told by messages to say what it has used of CPU and memory. */
import { readFileSync, writeFileSync } from 'node:fs'
import { PEERS, type PeerName } from './peers'

export interface Usage {
  /** Microseconds, user and system. */
  cpu: number
  /** Bytes of memory now, and at most since `mark`. */
  rss: number
  peak: number
}

/** `clean`: also collect all garbage, which costs a busy server its warmed up state: for few large bodies only. */
export type Question = 'usage' | 'mark' | 'clean'

/** Linux keeps the highest memory use of a process, and forgets it when asked to. */
function forgetPeak(): void {
  try {
    writeFileSync('/proc/self/clear_refs', '5')
  } catch {
    // elsewhere the peak is that of the whole life of the process
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
