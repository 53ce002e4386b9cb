/** Freezes processes with SIGSTOP. `process.kill` returns before the threads of the process have stopped. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { until } from './wait'

/** Resolves once every thread of the process has stopped or ended. SIGCONT continues the process. */
export async function freeze(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  await until(() => !isRunning(pid), `process ${pid} to stop`)
}

function isRunning(pid: number): boolean {
  const tasks = `/proc/${pid}/task`
  try {
    // The state follows the name of the thread, which is in brackets and may contain any character.
    return readdirSync(tasks).some(
      (thread) => !/\) [TZX] [^)]*$/.test(readFileSync(`${tasks}/${thread}/stat`, 'latin1')),
    )
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // ENOENT and ESRCH mean that a thread has ended: look again, unless the whole process has ended.
    if (code !== 'ENOENT' && code !== 'ESRCH') throw error
    return existsSync(tasks)
  }
}
