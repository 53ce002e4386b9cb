/**
 * Identifies processes on one machine by boot, PID namespace, PID and start time (Linux), so that other processes
 * notice when one has ended.
 */
import { readFileSync, readlinkSync } from 'node:fs'

export interface ProcessIdentity {
  pid: number
  /** `undefined` if it cannot be read. */
  pidNamespace: string | undefined
  /** In clock ticks since boot. Shows whether a PID was given to a new process. */
  startTime: string | undefined
  /** Identifies the boot of the machine. All processes of an earlier boot have ended. */
  boot: string
}

export function ownIdentity(): ProcessIdentity {
  return {
    pid: process.pid,
    pidNamespace: attempt(() => readlinkSync('/proc/self/ns/pid')),
    startTime: startTimeOf('self'),
    boot: attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()) ?? 'unknown',
  }
}

/**
 * True only if the process has certainly ended. Either it belongs to another boot, or it is in the same PID namespace
 * and its PID is now unused or belongs to a new process.
 */
export function isGone(other: ProcessIdentity, own: ProcessIdentity): boolean {
  if (other.boot !== own.boot) return true
  if (other.pidNamespace === undefined || other.pidNamespace !== own.pidNamespace) return false
  return startTimeOf(String(other.pid)) !== other.startTime
}

/** The start time is the 22nd field of `stat`. The second field, the name of the program, may contain spaces. */
function startTimeOf(pid: string): string | undefined {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'latin1'))
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
